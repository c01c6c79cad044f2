"""What is looked at before trading starts: whose key it is, for how long, whether the clocks agree, and what guards the orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from algo_trade._native import action_hash, l1_digest, recover, sign_l1_action
from algo_trade.errors import CredentialError, RefusedError
from algo_trade.hyperliquid.refusals import RefusalKind

if TYPE_CHECKING:
    from algo_trade._native import SigningKey
    from algo_trade.hyperliquid.account import Account
    from algo_trade.hyperliquid.info import Info
    from algo_trade.hyperliquid.sender import Sender

_MILLI = 1_000_000
EXPIRY_ALARM_DAYS = 14
CLOCK_ALARM_MS = 1_000
# Far enough for nothing to be cancelled before it is taken back.
_TRIAL_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class AccountCheck:
    """What was found.

    Parameters
    ----------
    signer : the address of the key
    role : what the exchange takes it for: ``user``, ``agent`` and so on
    clock_ahead_ms : how far this machine's clock is ahead of the exchange's, at least
    can_schedule_cancel : whether the exchange cancels all orders when the process dies; if not, only a guard of one's own does
    used, cap : requests of the account's budget
    alarms : what a person should read, in plain words; empty if all is well
    """

    signer: str
    role: str
    clock_ahead_ms: int
    can_schedule_cancel: bool
    used: int
    cap: int
    alarms: tuple[str, ...]


async def check_account(sender: Sender, info: Info, account: Account, key: SigningKey) -> AccountCheck:
    """Check key, account, chain, clock and limits; places no order.

    Raises
    ------
    CredentialError
        The key does not act for the configured account, or signatures do not recover to it.
    SignatureError
        The exchange does not recover our signatures to the key: the chain is another one, or the API wallet is gone.
    """
    config = sender.config
    if config.account_address is None:
        raise CredentialError(
            "account_address is not set: it is the account that is traded, not the address of the API wallet"
        )
    _check_signature(key, is_mainnet=config.is_mainnet)
    role = await _check_role(info, key.address, config.account_address)
    alarms: list[str] = []
    if config.vault_address is not None:
        await _check_vault(info, config.vault_address, config.account_address)
    if role == "agent":
        alarms += await _expiry_alarms(info, key.address, config.account_address, sender.clock_ms())
    ahead_ms = await _clock_ahead_ms(sender, info)
    if abs(ahead_ms) > CLOCK_ALARM_MS:
        alarms.append(
            f"the clock is {ahead_ms} ms ahead of the exchange's: expiries do not mean what they say; set it right"
        )
    # The first thing that is signed also proves chain and key.
    await account.noop()
    can_schedule = await _can_schedule_cancel(sender, account)
    if not can_schedule:
        alarms.append(
            "the exchange does not take a scheduled cancel from this account: if this process dies, its orders rest on; run a guard "
            "of your own"
        )
    settled = sender.budget.settled
    limit = await info.rate_limit()
    cap = limit["cap"]
    sender.budget.told(limit["used"], cap, settled)
    if limit["used"] >= cap * config.limits.budget_slow_from:
        alarms.append(f"{limit['used']} of {cap} requests are used: orders are slowed down")
    return AccountCheck(key.address, role, ahead_ms, can_schedule, limit["used"], cap, tuple(alarms))


def _check_signature(key: SigningKey, *, is_mainnet: bool) -> None:
    """Sign something and recover the signer, once: at each order it would cost more than the signature."""
    action = {"type": "noop"}
    digest = l1_digest(action_hash(action, 1), is_mainnet)
    signer = recover(digest, sign_l1_action(key, action, 1, None, is_mainnet))
    if signer != key.address:
        raise CredentialError(
            f"a signature of {key.address} recovers to {signer}: this machine does not compute right; stop"
        )


async def _check_role(info: Info, signer: str, account: str) -> str:
    role = await info.role(signer)
    master = (role["data"] or {}).get("user")
    if signer == account and role["role"] == "agent":
        raise CredentialError(
            f"account_address = {account}: is the address of an API wallet, which has no orders of its own: set that of its account, "
            f"{master}"
        )
    if signer == account and role["role"] == "missing":
        raise CredentialError(
            f"account_address = {account}: the exchange does not know it on this network: deposit first"
        )
    if signer == account:
        return role["role"]
    if role["role"] != "agent" or master is None:
        raise CredentialError(
            f"the key of {signer} is no API wallet of {account} (the exchange calls it '{role['role']}'): approve it on this network, "
            "or set the account that it belongs to"
        )
    if master.lower() != account:
        raise CredentialError(
            f"the key of {signer} is an API wallet of {master}, and account_address is {account}: set one of them right"
        )
    return role["role"]


async def _check_vault(info: Info, vault: str, account: str) -> None:
    role = await info.role(vault)
    master = (role["data"] or {}).get("master")
    if role["role"] == "subAccount" and master is not None and master.lower() == account:
        return
    # Who leads a vault is not part of its role: a wrong one is refused with the first action.
    if role["role"] != "vault":
        raise CredentialError(
            f"vault_address = {vault}: is neither a vault nor a sub-account of {account} (the exchange calls it '{role['role']}')"
        )


async def _expiry_alarms(info: Info, signer: str, account: str, now_ms: int) -> list[str]:
    agents = await info.extra_agents(account)
    own = next((agent for agent in agents if agent["address"].lower() == signer), None)
    if own is None or own["valid_until"] is None:
        return [f"the API wallet {signer} has no name: when it expires is not told"]
    days = (own["valid_until"] // _MILLI - now_ms) / 86_400_000
    if days >= EXPIRY_ALARM_DAYS:
        return []
    return [
        f"the API wallet {signer} ('{own['name']}') expires in {days:.1f} days: approve a new one, never the same address again"
    ]


async def _clock_ahead_ms(sender: Sender, info: Info) -> int:
    """Return how far our clock is ahead, as far as the time of the question does not explain it."""
    before_ms = sender.clock_ms()
    theirs_ms = (await info.exchange_status())["time"] // _MILLI
    after_ms = sender.clock_ms()
    if before_ms > theirs_ms:
        return before_ms - theirs_ms
    return min(0, after_ms - theirs_ms)


async def _can_schedule_cancel(sender: Sender, account: Account) -> bool:
    try:
        await account.schedule_cancel(sender.clock_ms() + _TRIAL_MS)
    except RefusedError as error:
        if error.kind is RefusalKind.SCHEDULE:
            return False
        raise
    await account.schedule_cancel(None)
    return True
