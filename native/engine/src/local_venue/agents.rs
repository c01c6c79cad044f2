//! API wallets: who may act for whom, until when.

use std::collections::{BTreeMap, BTreeSet};

use crate::hyperliquid::address::Address;

/// The longest name, and how long an approval lasts if it does not say, and at most, in milliseconds.
const NAME_MAX: usize = 16;
const DAY: u64 = 24 * 3_600 * 1_000;
const LASTS: u64 = 90 * DAY;
const LASTS_MAX: u64 = 180 * DAY;
/// Named API wallets of an account; two more for each of its sub-accounts.
const NAMED_MAX: usize = 3;

/// An API wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Its address.
    pub address: Address,
    /// Until when it may act, in milliseconds.
    pub valid_until: u64,
}

/// The API wallets of all accounts.
#[derive(Debug, Clone, Default)]
pub struct Agents {
    /// By master, then by name; the unnamed one has the empty name.
    by_master: BTreeMap<Address, BTreeMap<String, Agent>>,
    masters: BTreeMap<Address, Address>,
    /// Addresses that ever were API wallets: none comes back.
    used: BTreeSet<Address>,
}

impl Agents {
    /// Approves an API wallet under a name, in place of the one that has the name. Address zero takes that one away.
    ///
    /// # Errors
    /// The venue's text.
    pub fn approve(
        &mut self,
        master: &Address,
        agent: Address,
        name: &str,
        sub_accounts: usize,
        now: u64,
    ) -> Result<(), String> {
        let (name, valid_until) = match name.rsplit_once("valid_until ") {
            Some((name, until)) => (name.trim_end(), until.parse::<u64>().ok()),
            None => (name, Some(now.saturating_add(LASTS))),
        };
        let is_in_time = valid_until.is_some_and(|until| until > now && until <= now.saturating_add(LASTS_MAX));
        let Some(valid_until) = valid_until.filter(|_| is_in_time) else {
            return Err("Agent valid_until already expired.".to_owned());
        };
        if name.chars().count() > NAME_MAX {
            return Err(format!("Agent name is too long: at most {NAME_MAX} characters."));
        }
        if agent == Address([0; 20]) {
            self.remove(master, name);
            return Ok(());
        }
        if self.used.contains(&agent) || agent == *master {
            return Err("Extra agent already used.".to_owned());
        }
        let others = self.named(master, now).filter(|(other, _)| *other != name).count();
        let most = NAMED_MAX + 2 * sub_accounts;
        if !name.is_empty() && others >= most {
            return Err(format!("Too many extra agents. Limit is {most}."));
        }
        self.remove(master, name);
        self.used.insert(agent);
        self.masters.insert(agent, *master);
        self.by_master.entry(*master).or_default().insert(name.to_owned(), Agent { address: agent, valid_until });
        Ok(())
    }

    /// Takes an API wallet away; its address, if there was one.
    pub fn remove(&mut self, master: &Address, name: &str) -> Option<Address> {
        let agent = self.by_master.get_mut(master)?.remove(name)?;
        self.masters.remove(&agent.address);
        Some(agent.address)
    }

    /// For whom an address acts, if it is an API wallet whose time is not over.
    #[must_use]
    pub fn master(&self, agent: &Address, now: u64) -> Option<Address> {
        let master = self.masters.get(agent)?;
        let of = self.by_master.get(master)?;
        of.values().any(|a| a.address == *agent && a.valid_until > now).then_some(*master)
    }

    /// The named API wallets of an account whose time is not over.
    pub fn named<'a>(&'a self, master: &Address, now: u64) -> impl Iterator<Item = (&'a str, &'a Agent)> {
        let of = self.by_master.get(master).into_iter().flatten();
        let is_listed = move |(name, agent): &(&String, &Agent)| !name.is_empty() && agent.valid_until > now;
        of.filter(is_listed).map(|(name, agent)| (name.as_str(), agent))
    }

    /// Whether an address is an API wallet or ever was one.
    #[must_use]
    pub fn was_used(&self, address: &Address) -> bool {
        self.used.contains(address)
    }

    /// Ends the time of an API wallet at once: a fault that an operator asks for. False if it is none.
    pub fn expire(&mut self, agent: &Address) -> bool {
        let Some(master) = self.masters.get(agent).copied() else { return false };
        let agents = self.by_master.get_mut(&master).into_iter().flat_map(BTreeMap::values_mut);
        agents.filter(|a| a.address == *agent).map(|a| a.valid_until = 0).count() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: Address = Address([1; 20]);
    const NOW: u64 = 1_700_000_000_000;

    fn agent(n: u8) -> Address {
        Address([0x80 + n; 20])
    }

    #[test]
    fn an_approval_in_place_of_another_ends_that_at_once_and_for_ever() {
        let mut agents = Agents::default();
        agents.approve(&ANN, agent(1), "bot", 0, NOW).unwrap();
        assert_eq!(agents.master(&agent(1), NOW), Some(ANN));
        agents.approve(&ANN, agent(2), "bot", 0, NOW).unwrap();
        assert_eq!((agents.master(&agent(1), NOW), agents.master(&agent(2), NOW)), (None, Some(ANN)));
        assert_eq!(agents.approve(&ANN, agent(1), "bot", 0, NOW), Err("Extra agent already used.".into()));
        agents.approve(&ANN, Address([0; 20]), "bot", 0, NOW).unwrap();
        assert_eq!(agents.master(&agent(2), NOW), None);
    }

    #[test]
    fn an_approval_lasts_as_long_as_its_name_says_and_at_most_180_days() {
        let mut agents = Agents::default();
        agents.approve(&ANN, agent(1), &format!("bot valid_until {}", NOW + 10), 0, NOW).unwrap();
        assert_eq!(
            agents.named(&ANN, NOW).map(|(name, a)| (name, a.valid_until)).collect::<Vec<_>>(),
            [("bot", NOW + 10)]
        );
        assert_eq!(agents.master(&agent(1), NOW + 10), None);
        for until in [NOW, NOW + 181 * DAY] {
            let name = format!("x valid_until {until}");
            assert_eq!(agents.approve(&ANN, agent(2), &name, 0, NOW), Err("Agent valid_until already expired.".into()));
        }
        agents.approve(&ANN, agent(3), "", 0, NOW).unwrap();
        assert_eq!(agents.master(&agent(3), NOW + LASTS - 1), Some(ANN));
        assert_eq!(agents.master(&agent(3), NOW + LASTS), None);
    }

    #[test]
    fn three_are_named_and_two_more_for_each_sub_account() {
        let mut agents = Agents::default();
        for n in 0..3 {
            agents.approve(&ANN, agent(n), &n.to_string(), 0, NOW).unwrap();
        }
        assert!(agents.approve(&ANN, agent(9), "more", 0, NOW).unwrap_err().starts_with("Too many extra agents"));
        agents.approve(&ANN, agent(9), "more", 1, NOW).unwrap();
        agents.approve(&ANN, agent(10), "", 0, NOW).unwrap();
        assert!(agents.approve(&ANN, agent(11), &"x".repeat(17), 9, NOW).is_err());
        assert!(agents.expire(&agent(9)) && agents.master(&agent(9), NOW).is_none());
        assert_eq!(agents.named(&ANN, NOW).count(), 3, "one whose time is over is not listed");
        assert!(agents.expire(&agent(2)));
        agents.approve(&ANN, agent(12), "in its place", 0, NOW).unwrap();
        assert!(agents.was_used(&agent(2)) && !agents.was_used(&ANN));
        assert!(!agents.expire(&ANN));
    }
}
