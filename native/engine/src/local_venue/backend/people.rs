//! Who has an account: addresses, and which accounts are somebody's sub-accounts.

use rustc_hash::FxHashMap;

use super::record::Record;
use super::show::Funded;
use crate::hyperliquid::address::Address;
use crate::instrument::InstrumentId;
use crate::venue::exchange::order::AccountId;

/// A customer, as far as the exchange does not care.
#[derive(Debug)]
pub(super) struct Person {
    pub address: Address,
    /// Who controls it, and its name, if it is a sub-account.
    pub master: Option<(Address, String)>,
    pub record: Record,
    /// What funding each of its positions has paid.
    pub funded: FxHashMap<InstrumentId, Funded>,
    /// What it has approved builders to charge, in tenths of a basis point.
    pub builders: Vec<(Address, u32)>,
}

/// All customers, by account and by address.
#[derive(Debug, Default)]
pub(super) struct People {
    by_address: FxHashMap<Address, AccountId>,
    persons: Vec<Person>,
}

impl People {
    pub(super) fn find(&self, address: &Address) -> Option<AccountId> {
        self.by_address.get(address).copied()
    }

    pub(super) fn get(&self, account: AccountId) -> Option<&Person> {
        self.persons.get(account.index())
    }

    pub(super) fn get_mut(&mut self, account: AccountId) -> Option<&mut Person> {
        self.persons.get_mut(account.index())
    }

    /// The customer of an account that the exchange has just opened.
    pub(super) fn add(&mut self, address: Address, account: AccountId, master: Option<(Address, String)>) {
        self.by_address.insert(address, account);
        self.persons.push(Person {
            address,
            master,
            record: Record::default(),
            funded: FxHashMap::default(),
            builders: Vec::new(),
        });
    }

    /// Sub-accounts of an account, oldest first.
    pub(super) fn sub_accounts<'a>(&'a self, master: &'a Address) -> impl Iterator<Item = (AccountId, &'a Person)> {
        (0_u32..)
            .map(AccountId)
            .zip(&self.persons)
            .filter(move |(_, person)| person.master.as_ref().is_some_and(|(of, _)| of == master))
    }

    /// The address of an account.
    pub(super) fn address(&self, account: AccountId) -> Address {
        self.get(account).map_or(Address([0; 20]), |person| person.address)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (AccountId, &Person)> {
        (0_u32..).map(AccountId).zip(&self.persons)
    }
}
