"""Every recorded hash, digest and signature, made again."""

from __future__ import annotations

from typing import Any

import pytest

from algo_trade import hyperliquid
from algo_trade.errors import NumberError


def l1_arguments(vector: dict[str, Any]) -> dict[str, Any]:
    return {name: vector[name] for name in ("nonce", "vault_address", "expires_after")}


def test_every_recorded_l1_action_hashes_and_signs_as_recorded(signing_vectors: dict[str, Any]) -> None:
    vectors = [vector for vector in signing_vectors["vectors"] if vector["scheme"] == "l1"]
    assert len(vectors) > 60
    for vector in vectors:
        name, arguments = vector["name"], l1_arguments(vector)
        found = hyperliquid.action_hash(vector["action"], **arguments)
        assert f"0x{found.hex()}" == vector["connection_id"], name
        digest = hyperliquid.l1_digest(found, is_mainnet=vector["mainnet"])
        assert f"0x{digest.hex()}" == vector["digest"], name
        signature = hyperliquid.sign_l1_action(
            vector["private_key"], vector["action"], is_mainnet=vector["mainnet"], **arguments
        )
        assert signature == vector["sdk_signature"], name
        assert hyperliquid.recover(digest, signature) == vector["signer"], name


def test_every_recorded_user_action_signs_as_recorded(signing_vectors: dict[str, Any]) -> None:
    vectors = [vector for vector in signing_vectors["vectors"] if vector["scheme"] == "user"]
    assert len(vectors) > 10
    for vector in vectors:
        key = hyperliquid.SigningKey(vector["private_key"])
        # Two of them were signed before their `type` was added.
        primary_type = None if "type" in vector["action"] else vector["primary_type"]
        digest = hyperliquid.user_digest(vector["action"], primary_type)
        assert f"0x{digest.hex()}" == vector["digest"], vector["name"]
        assert hyperliquid.sign_user_action(key, vector["action"], primary_type) == vector["sdk_signature"]
        assert hyperliquid.recover(digest, vector["signature"]) == key.address == vector["signer"], vector["name"]


def test_numbers_are_written_as_recorded_but_for_minus_zero_and_what_no_price_can_be(
    signing_vectors: dict[str, Any],
) -> None:
    for row in signing_vectors["float_to_wire"]:
        given = float(row["in"])
        if "error" in row or given >= 92_233_720_368.54775807:
            with pytest.raises(NumberError):
                hyperliquid.wire_decimal(given)
        else:
            # The official client lets the sign of a negative zero through.
            assert hyperliquid.wire_decimal(given) == row["out"].replace("-0", "0"), row
