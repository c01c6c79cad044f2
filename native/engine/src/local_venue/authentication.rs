//! From the body of a request to who acts: the venue writes the action anew, and recovers the signer from that.

use serde::Deserialize;

use super::agents::Agents;
use super::core::{Authentic, Authorized};
use super::info_request::UNREADABLE;
use super::nonces::Nonces;
use super::user_action::{UserAction, lower_addresses};
use crate::hyperliquid::action::Action;
use crate::hyperliquid::address::Address;
use crate::hyperliquid::request::Request;
use crate::hyperliquid::signing::{Network, Signature};
use crate::hyperliquid::user_action as signed;
use crate::hyperliquid::value::Value;

/// A request as it came.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    action: Value,
    nonce: u64,
    signature: Signature,
    #[serde(default)]
    vault_address: Option<String>,
    #[serde(default)]
    expires_after: Option<u64>,
}

/// An action that can be read, and who is to be asked for.
#[derive(Debug, Clone)]
pub struct Signed {
    signer: Option<Address>,
    vault: Option<Address>,
    network: Option<Network>,
    inner_nonce: Option<u64>,
    /// What is to be done.
    pub action: Authorized,
    nonce: u64,
    expires_after: Option<u64>,
}

/// Who an action may be for.
pub trait Accounts {
    /// Whether there is such an account.
    fn exists(&self, address: &Address) -> bool;
    /// The account that controls a sub-account.
    fn master(&self, account: &Address) -> Option<Address>;
}

/// Why an action does not reach the exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The venue's text.
    pub text: String,
    /// For whom it was, where that costs requests all the same, and how many times as many.
    pub cost: Option<(Address, u64)>,
}

impl From<String> for Denied {
    fn from(text: String) -> Self {
        Self { text, cost: None }
    }
}

/// Why an action is not even looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// The body is none: HTTP 422 with this text.
    Unreadable(String),
    /// The exchange would carry it out, this venue cannot: refused with this text.
    Elsewhere(String),
}

/// Actions of the exchange that this venue does not have.
const ELSEWHERE: [&str; 14] = [
    "CSignerAction",
    "CValidatorAction",
    "agentEnableDexAbstraction",
    "cDeposit",
    "cWithdraw",
    "claimRewards",
    "createVault",
    "evmUserModify",
    "gossipPriorityBid",
    "multiSig",
    "perpDeploy",
    "spotDeploy",
    "spotUser",
    "vaultDistribute",
];

/// An action that came too late costs this many times as much.
const STALE_COST: u64 = 5;

fn address(text: &str) -> Option<Address> {
    // One client leaves the prefix out.
    if text.starts_with("0x") { text.parse().ok() } else { format!("0x{text}").parse().ok() }
}

impl Signed {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Unread`].
    pub fn read(body: &[u8]) -> Result<Self, Unread> {
        let wrong = |error: String| Unread::Unreadable(format!("{UNREADABLE}: {error}"));
        let envelope: Envelope = serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))?;
        let Envelope { mut action, nonce, signature, vault_address, expires_after } = envelope;
        let vault = match vault_address {
            None => None,
            Some(text) => Some(address(&text).ok_or_else(|| wrong("vaultAddress: not an address".to_owned()))?),
        };
        let kind = action.get("type").and_then(Value::as_str).unwrap_or_default();
        if signed::primary_type(kind).is_some() {
            lower_addresses(&mut action);
            let digest = signed::digest(&action).map_err(|error| wrong(error.to_string()))?;
            let read = UserAction::read(&action).map_err(wrong)?;
            return Ok(Self {
                signer: signature.signer(&digest).ok(),
                vault,
                network: signed::network(&action),
                inner_nonce: signed::nonce(&action).ok(),
                action: Authorized::User(read),
                nonce,
                expires_after: None,
            });
        }
        if ELSEWHERE.contains(&kind) {
            return Err(Unread::Elsewhere(format!("This venue does not carry out {kind} actions.")));
        }
        // What is hashed is what the types write, not what was sent.
        let text = serde_json::to_string(&action).map_err(|error| wrong(error.to_string()))?;
        let action: Action = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let request = Request { action, nonce, signature, vault_address: vault, expires_after };
        Ok(Self {
            signer: None,
            vault,
            network: None,
            inner_nonce: None,
            nonce,
            expires_after,
            action: Authorized::L1(request.action.clone()),
        }
        .signed_by(&request))
    }

    fn signed_by(mut self, request: &Request<Action>) -> Self {
        self.signer = request.signer(Network::Testnet).ok();
        self
    }

    /// Whether it is a cancel: those may exceed a budget.
    #[must_use]
    pub const fn is_cancel(&self) -> bool {
        matches!(self.action, Authorized::L1(Action::Cancel { .. } | Action::CancelByCloid { .. }))
    }

    /// How many orders or cancels it holds.
    #[must_use]
    pub fn items(&self) -> usize {
        match &self.action {
            Authorized::L1(Action::Order { orders, .. }) => orders.len(),
            Authorized::L1(Action::Cancel { cancels, .. }) => cancels.len(),
            Authorized::L1(Action::CancelByCloid { cancels, .. }) => cancels.len(),
            Authorized::L1(Action::BatchModify { modifies }) => modifies.len(),
            _ => 1,
        }
    }

    /// The name of the action's type, for faults and statistics.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match &self.action {
            Authorized::L1(Action::Order { .. }) => "order",
            Authorized::L1(Action::Cancel { .. }) => "cancel",
            Authorized::L1(Action::CancelByCloid { .. }) => "cancelByCloid",
            Authorized::L1(Action::Modify(_)) => "modify",
            Authorized::L1(Action::BatchModify { .. }) => "batchModify",
            Authorized::L1(_) => "l1",
            Authorized::User(_) => "user",
        }
    }

    /// Who acts, with the nonce spent. `now` is in milliseconds.
    ///
    /// # Errors
    /// The venue's words. Its order: signer, chain, who it acts for, nonce, expiry.
    pub fn authenticate(
        self,
        accounts: &impl Accounts,
        agents: &Agents,
        nonces: &mut Nonces,
        now: u64,
    ) -> Result<Authentic, Denied> {
        let Some(signer) = self.signer else { return Err("Unable to recover signer.".to_owned().into()) };
        let account = match &self.action {
            Authorized::User(_) => {
                if self.network != Some(Network::Testnet) {
                    return Err("Mainnet and testnet require different signature.".to_owned().into());
                }
                if self.inner_nonce != Some(self.nonce) {
                    return Err("Nonce mismatch.".to_owned().into());
                }
                if agents.master(&signer, now).is_some() {
                    return Err(unknown(&signer).into());
                }
                if !accounts.exists(&signer) {
                    return Err(format!("Must deposit before performing actions. User: {signer}").into());
                }
                signer
            }
            Authorized::L1(_) => {
                let own = || accounts.exists(&signer).then_some(signer);
                let Some(user) = agents.master(&signer, now).or_else(own) else { return Err(unknown(&signer).into()) };
                match self.vault {
                    None => user,
                    Some(vault) if accounts.master(&vault) == Some(user) => vault,
                    Some(vault) => return Err(format!("Vault not registered: {vault}").into()),
                }
            }
        };
        nonces.spend(&signer, self.nonce, now)?;
        if self.expires_after.is_some_and(|expiry| now > expiry) {
            let items = u64::try_from(self.items()).unwrap_or(u64::MAX);
            let cost = Some((account, items.saturating_mul(STALE_COST)));
            return Err(Denied { text: "Action already expired".to_owned(), cost });
        }
        Ok(Authentic { account, signer, action: self.action, nonce: self.nonce, expires_after: self.expires_after })
    }
}

fn unknown(signer: &Address) -> String {
    format!("User or API Wallet {signer} does not exist.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hyperliquid::keys::PrivateKey;
    use crate::hyperliquid::signing::Terms;

    const NOW: u64 = 1_700_000_000_000;

    struct Known(Vec<Address>, Option<(Address, Address)>);

    impl Accounts for Known {
        fn exists(&self, address: &Address) -> bool {
            self.0.contains(address)
        }
        fn master(&self, account: &Address) -> Option<Address> {
            self.1.filter(|(sub, _)| sub == account).map(|(_, master)| master)
        }
    }

    fn key(n: u8) -> PrivateKey {
        PrivateKey::from_bytes(&[n; 32]).unwrap()
    }

    fn body(key: &PrivateKey, action: &str, terms: Terms) -> String {
        let action: Action = serde_json::from_str(action).unwrap();
        String::from_utf8(Request::sign(key, action, terms, Network::Testnet).unwrap().body().unwrap()).unwrap()
    }

    const ORDER: &str = r#"{"type":"order","orders":[{"a":0,"b":true,"p":"25.2","s":"1","r":false,"t":{"limit":{"tif":"Gtc"}}}],
        "grouping":"na"}"#;

    fn denied(body: &str, known: &Known) -> String {
        let signed = Signed::read(body.as_bytes()).unwrap();
        signed.authenticate(known, &Agents::default(), &mut Nonces::default(), NOW).unwrap_err().text
    }

    #[test]
    fn the_signer_is_found_whatever_the_order_of_the_keys_and_the_zeros() {
        let key = key(1);
        let sent = body(&key, ORDER, Terms::new(NOW));
        // As a client might write it: other order of keys, trailing zeros, null for what is absent.
        let odd = sent.replace("25.2", "25.20").replace(r#""a":0,"b":true"#, r#""b":true,"a":0"#);
        let odd = odd.replacen('{', r#"{"vaultAddress":null,"expiresAfter":null,"#, 1);
        for body in [&sent, &odd] {
            let signed = Signed::read(body.as_bytes()).unwrap();
            let known = Known(vec![key.address()], None);
            let found = signed.authenticate(&known, &Agents::default(), &mut Nonces::default(), NOW).unwrap();
            assert_eq!((found.account, found.signer), (key.address(), key.address()));
        }
    }

    #[test]
    fn what_was_signed_otherwise_recovers_to_a_stranger() {
        let key = key(1);
        let known = Known(vec![key.address()], None);
        let sent = body(&key, ORDER, Terms::new(NOW));
        let text = denied(&sent.replace("25.2", "25.3"), &known);
        assert!(text.starts_with("User or API Wallet 0x") && text.ends_with(" does not exist."), "{text}");
        assert_eq!(denied(&sent.replace(&NOW.to_string(), &(NOW + 1).to_string()), &known).get(..20), text.get(..20));
        let no_signature = r#"{"action":{"type":"noop"},"nonce":1,"signature":{"r":"0x1","s":"0x1","v":99}}"#;
        assert_eq!(denied(no_signature, &known), "Unable to recover signer.");
    }

    #[test]
    fn an_api_wallet_acts_for_its_master_and_for_its_sub_accounts() {
        let (master, agent, sub) = (key(1).address(), key(2), Address([9; 20]));
        let known = Known(vec![master], Some((sub, master)));
        let mut agents = Agents::default();
        agents.approve(&master, agent.address(), "bot", 0, NOW).unwrap();
        let act = |terms: Terms| {
            let sent = body(&agent, r#"{"type":"noop"}"#, terms);
            // One client sends the vault without its prefix.
            let sent = terms
                .vault_address
                .map_or(sent.clone(), |vault| sent.replace(&vault.to_string(), &vault.to_string()[2..]));
            let signed = Signed::read(sent.as_bytes()).unwrap();
            signed.authenticate(&known, &agents, &mut Nonces::default(), NOW).map(|a| a.account).map_err(|d| d.text)
        };
        assert_eq!(act(Terms::new(NOW)), Ok(master));
        assert_eq!(act(Terms { vault_address: Some(sub), ..Terms::new(NOW) }), Ok(sub));
        let other = Address([8; 20]);
        let text = format!("Vault not registered: {other}");
        assert_eq!(act(Terms { vault_address: Some(other), ..Terms::new(NOW) }), Err(text));
    }

    #[test]
    fn an_action_that_came_too_late_costs_five_times_as_much() {
        let key = key(1);
        let known = Known(vec![key.address()], None);
        let late = body(&key, ORDER, Terms { expires_after: Some(NOW - 1), ..Terms::new(NOW) });
        let signed = Signed::read(late.as_bytes()).unwrap();
        let denied = signed.authenticate(&known, &Agents::default(), &mut Nonces::default(), NOW).unwrap_err();
        assert_eq!((denied.text.as_str(), denied.cost), ("Action already expired", Some((key.address(), 5))));
    }

    #[test]
    fn a_transfer_is_of_the_signers_own_account_and_chain() {
        let key = key(1);
        let action = |chain: &str, time: u64| -> Value {
            serde_json::from_str(&format!(
                r#"{{"type":"usdSend","hyperliquidChain":"{chain}","signatureChainId":"0x66eee",
                "destination":"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed","amount":"1","time":{time}}}"#
            ))
            .unwrap()
        };
        let sent = |value: Value| String::from_utf8(Request::sign_user(&key, value).unwrap().body().unwrap()).unwrap();
        let known = Known(vec![key.address()], None);
        let good = Signed::read(sent(action("Testnet", NOW)).as_bytes()).unwrap();
        assert!(good.authenticate(&known, &Agents::default(), &mut Nonces::default(), NOW).is_ok());
        assert_eq!(denied(&sent(action("Mainnet", NOW)), &known), "Mainnet and testnet require different signature.");
        let other_nonce = sent(action("Testnet", NOW)).replace(&format!(r#""nonce":{NOW}"#), r#""nonce":5"#);
        assert_eq!(denied(&other_nonce, &known), "Nonce mismatch.");
        let text = denied(&sent(action("Testnet", NOW)), &Known(Vec::new(), None));
        assert_eq!(text, format!("Must deposit before performing actions. User: {}", key.address()));
    }

    #[test]
    fn a_transfer_that_was_signed_with_capitals_recovers_to_a_stranger() {
        let key = key(1);
        let lower = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed";
        let sent = |destination: &str| {
            let action = format!(
                r#"{{"type":"usdSend","hyperliquidChain":"Testnet","signatureChainId":"0x66eee",
                "destination":"{destination}","amount":"1.0","time":{NOW}}}"#
            );
            let request = Request::sign_user(&key, serde_json::from_str(&action).unwrap()).unwrap();
            String::from_utf8(request.body().unwrap()).unwrap()
        };
        let mixed = lower.parse::<Address>().unwrap().checksummed();
        let signer = |body: &str| Signed::read(body.as_bytes()).unwrap().signer;
        assert_eq!(signer(&sent(lower)), Some(key.address()), "an amount is hashed as it was sent");
        assert_eq!(
            signer(&sent(lower).replace(lower, &mixed)),
            Some(key.address()),
            "sent so, but signed in lower case"
        );
        assert_ne!(signer(&sent(&mixed)), Some(key.address()));
    }

    #[test]
    fn a_body_that_is_none_is_unreadable() {
        for body in
            ["", "{}", "[]", r#"{"action":{"type":"order"},"nonce":1,"signature":{"r":"0x1","s":"0x1","v":27}}"#]
        {
            let unread = Signed::read(body.as_bytes()).unwrap_err();
            assert!(matches!(&unread, Unread::Unreadable(text) if text.starts_with(UNREADABLE)), "{body}: {unread:?}");
        }
    }
}
