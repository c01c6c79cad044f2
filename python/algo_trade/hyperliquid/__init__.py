"""Hyperliquid: keys, signatures, and signed requests.

>>> from algo_trade import hyperliquid
>>> key = hyperliquid.SigningKey("0x" + "01" * 32)  # never write a real one into a program
>>> key
SigningKey(0x1a642f0e3c3af545e7acbd38b07251b3990914f1)
>>> hyperliquid.sign_l1_action(key, {"type": "noop"}, nonce=1_700_000_000_000)["v"]
27
"""

from algo_trade._native import (
    SigningKey,
    WireOrder,
    action_hash,
    l1_digest,
    recover,
    sign_l1_action,
    sign_user_action,
    signed_cancels,
    signed_modifies,
    signed_orders,
    signed_request,
    signed_user_request,
    user_digest,
    wire_decimal,
)
from algo_trade.hyperliquid.keys import key_from_env, key_from_file, key_from_keystore

__all__ = [
    "SigningKey",
    "WireOrder",
    "action_hash",
    "key_from_env",
    "key_from_file",
    "key_from_keystore",
    "l1_digest",
    "recover",
    "sign_l1_action",
    "sign_user_action",
    "signed_cancels",
    "signed_modifies",
    "signed_orders",
    "signed_request",
    "signed_user_request",
    "user_digest",
    "wire_decimal",
]
