"""The HTTP face of the venue as an OpenAPI document, for tools that make requests of one. What it lists is made here, in one place."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0, "maximum": 2**63}
TIME: Schema = {"type": "integer", "minimum": 0, "maximum": 4_102_444_800_000}
USER: Schema = {"type": "string", "pattern": "^0x[0-9a-f]{40}$"}
USER_AS_WRITTEN: Schema = {"type": "string", "pattern": "^0x[0-9a-fA-F]{40}$"}
CLOID: Schema = {"type": "string", "pattern": "^0x[0-9a-f]{32}$"}
COIN: Schema = {"type": "string", "enum": ["BTC", "ETH", "PURR/USDC", "@107"]}
DEX: Schema = {"type": "string", "enum": [""]}
ASSET: Schema = {"type": "integer", "enum": [0, 1, 10_000, 10_107, 7, 110_000]}
NUMBER: Schema = {"type": "string", "pattern": r"^(0|[1-9][0-9]{0,8})(\.[0-9]{0,7}[1-9])?$"}
MICROS: Schema = {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
OID: Schema = {"oneOf": [COUNT, CLOID]}


def nullable(schema: Schema) -> Schema:
    return {"oneOf": [schema, {"type": "null"}]}


def record(**fields: Schema) -> Schema:
    """Describe an object. A name that ends in ``_maybe`` may be left out."""
    required = [name for name in fields if not name.endswith("_maybe")]
    properties = {name.removesuffix("_maybe"): schema for name, schema in fields.items()}
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def listed(schema: Schema) -> Schema:
    return {"type": "array", "items": schema, "maxItems": 3}


OF_A_USER: dict[str, Schema] = {"user": USER_AS_WRITTEN}
RANGE: dict[str, Schema] = {**OF_A_USER, "startTime": TIME, "endTime_maybe": nullable(TIME)}
OF_A_DEX: dict[str, Schema] = {**OF_A_USER, "dex_maybe": nullable(DEX)}

QUESTIONS: dict[str, dict[str, Schema]] = {
    "meta": {"dex_maybe": DEX},
    "metaAndAssetCtxs": {"dex_maybe": DEX},
    "allPerpMetas": {},
    "perpDexs": {},
    "spotMeta": {},
    "spotMetaAndAssetCtxs": {},
    "allMids": {"dex_maybe": DEX},
    "l2Book": {"coin": COIN, "nSigFigs_maybe": nullable({"type": "integer", "minimum": 2, "maximum": 5})},
    "recentTrades": {"coin": COIN},
    "candleSnapshot": {
        "req": record(coin=COIN, interval={"enum": ["1m", "1h", "1d", "1M"]}, startTime=TIME, endTime_maybe=TIME)
    },
    "fundingHistory": {"coin": COIN, "startTime": TIME, "endTime_maybe": nullable(TIME)},
    "predictedFundings": {},
    "perpsAtOpenInterestCap": {},
    "clearinghouseState": OF_A_DEX,
    "spotClearinghouseState": OF_A_USER,
    "openOrders": OF_A_DEX,
    "frontendOpenOrders": OF_A_DEX,
    "orderStatus": {**OF_A_USER, "oid": OID},
    "historicalOrders": OF_A_USER,
    "userFills": {**OF_A_USER, "aggregateByTime_maybe": nullable(FLAG)},
    "userFillsByTime": {**RANGE, "aggregateByTime_maybe": nullable(FLAG)},
    "userTwapSliceFills": OF_A_USER,
    "twapHistory": OF_A_USER,
    "userFunding": RANGE,
    "userNonFundingLedgerUpdates": RANGE,
    "userFees": OF_A_USER,
    "userRateLimit": OF_A_USER,
    "userRole": OF_A_USER,
    "activeAssetData": {**OF_A_USER, "coin": {"enum": ["BTC", "ETH"]}},
    "subAccounts": OF_A_USER,
    "extraAgents": OF_A_USER,
    "userAbstraction": OF_A_USER,
    "userDexAbstraction": OF_A_USER,
    "exchangeStatus": {},
    "maxBuilderFee": {**OF_A_USER, "builder": USER},
    "portfolio": OF_A_USER,
    "referral": OF_A_USER,
    "userVaultEquities": OF_A_USER,
    "vaultDetails": {"vaultAddress": USER},
    "delegations": OF_A_USER,
    "delegatorSummary": OF_A_USER,
    "delegatorRewards": OF_A_USER,
    "delegatorHistory": OF_A_USER,
    "userToMultiSigSigners": OF_A_USER,
    "spotDeployState": OF_A_USER,
    "perpDeployAuctionStatus": {},
    "tokenDetails": {"tokenId": {"enum": ["0x" + "0" * 31 + "1"]}},
    "outcomeMeta": {},
}

LIMIT = record(limit=record(tif={"enum": ["Gtc", "Ioc", "Alo"]}))
TRIGGER = record(trigger=record(isMarket=FLAG, triggerPx=NUMBER, tpsl={"enum": ["tp", "sl"]}))
ORDER = record(a=ASSET, b=FLAG, p=NUMBER, s=NUMBER, r=FLAG, t={"oneOf": [LIMIT, TRIGGER]}, c_maybe=CLOID)
MODIFY: dict[str, Schema] = {"oid": OID, "order": ORDER}
GROUPING: Schema = {"oneOf": [{"enum": ["na", "normalTpsl", "positionTpsl"]}, record(p=COUNT)]}

ACTIONS: dict[str, dict[str, Schema]] = {
    "order": {
        "orders": listed(ORDER),
        "grouping": GROUPING,
        "builder_maybe": record(b=USER, f={"type": "integer", "minimum": 0, "maximum": 100}),
    },
    "cancel": {"cancels": listed(record(a=ASSET, o=COUNT)), "f_maybe": FLAG},
    "cancelByCloid": {"cancels": listed(record(asset=ASSET, cloid=CLOID)), "f_maybe": FLAG},
    "modify": MODIFY,
    "batchModify": {"modifies": listed(record(**MODIFY))},
    "scheduleCancel": {"time_maybe": TIME},
    "updateLeverage": {"asset": ASSET, "isCross": FLAG, "leverage": {"type": "integer", "minimum": 0, "maximum": 50}},
    "updateIsolatedMargin": {"asset": ASSET, "isBuy": {"const": True}, "ntli": MICROS},
    "topUpIsolatedOnlyMargin": {"asset": ASSET, "leverage": NUMBER},
    "twapOrder": {
        "twap": record(a=ASSET, b=FLAG, s=NUMBER, r=FLAG, m={"type": "integer", "minimum": 0, "maximum": 9999}, t=FLAG)
    },
    "twapCancel": {"a": ASSET, "t": COUNT},
    "createSubAccount": {"name": TEXT},
    "subAccountTransfer": {"subAccountUser": USER, "isDeposit": FLAG, "usd": MICROS},
    "subAccountSpotTransfer": {"subAccountUser": USER, "isDeposit": FLAG, "token": TEXT, "amount": NUMBER},
    "vaultTransfer": {"vaultAddress": USER, "isDeposit": FLAG, "usd": MICROS},
    "setReferrer": {"code": TEXT},
    "reserveRequestWeight": {"weight": COUNT},
    "noop": {},
    "agentSetAbstraction": {"abstraction": {"enum": ["i", "u", "p"]}},
}

SIGNED_BY_WALLETS: dict[str, dict[str, Schema]] = {
    "usdSend": {"destination": USER, "amount": NUMBER, "time": TIME},
    "spotSend": {"destination": USER, "token": {"enum": ["USDC", "PURR", "NOTHING"]}, "amount": NUMBER, "time": TIME},
    "withdraw3": {"destination": USER, "amount": NUMBER, "time": TIME},
    "usdClassTransfer": {"amount": NUMBER, "toPerp": FLAG, "nonce": TIME},
    "sendAsset": {
        "destination": USER,
        "sourceDex": {"enum": ["", "spot", "other"]},
        "destinationDex": {"enum": ["", "spot", "other"]},
        "token": {"enum": ["USDC", "PURR"]},
        "amount": NUMBER,
        "fromSubAccount": {"oneOf": [{"const": ""}, USER]},
        "nonce": TIME,
    },
    "approveAgent": {"agentAddress": USER, "agentName": TEXT, "nonce": TIME},
    "approveBuilderFee": {"maxFeeRate": {"enum": ["0.001%", "1%", "much"]}, "builder": USER, "nonce": TIME},
}

# Those after which nothing is as it was are left out: faults, maintenance, and sockets that hear nothing any more.
WISHES: dict[str, Schema] = {
    "deposit": record(user=USER, amount=NUMBER),
    "post_only": FLAG,
    "bare_statuses": FLAG,
    "clock_offset_ms": MICROS,
    "spend_requests": record(user=USER, requests=COUNT),
    "expire_agent": USER,
    "remove_agent": record(user=USER, name=TEXT),
    "list": record(coin={"enum": ["NEW", "BTC", "no such"]}),
    "unlist": record(coin={"enum": ["ETH", "no such"]}),
}
WORDS = ["statistics", "cut_connections", "repeat_snapshots"]


def kinds(described: dict[str, dict[str, Schema]], **more: Schema) -> list[Schema]:
    return [record(type={"const": kind}, **more, **fields) for kind, fields in described.items()]


def envelope() -> Schema:
    chain: dict[str, Schema] = {"hyperliquidChain": {"const": "Testnet"}, "signatureChainId": {"const": "0x66eee"}}
    number = {"type": "string", "pattern": "^0x[0-9a-f]{1,64}$"}
    return record(
        action={"oneOf": [*kinds(ACTIONS), *kinds(SIGNED_BY_WALLETS, **chain)]},
        nonce=TIME,
        signature=record(r=number, s=number, v={"enum": [27, 28]}),
        vaultAddress_maybe=nullable(USER),
        expiresAfter_maybe=nullable(TIME),
    )


def document() -> Schema:
    """Describe every path that takes a body."""
    wish: Schema = {"oneOf": [{"enum": WORDS}, *(record(**{name: schema}) for name, schema in WISHES.items())]}
    bodies = {"info": {"oneOf": kinds(QUESTIONS)}, "exchange": envelope(), "control": {"oneOf": [wish, listed(wish)]}}
    text = {"text/plain": {"schema": TEXT}}
    answers = {
        "200": {"description": "done, or refused in words", "content": {"application/json": {"schema": {}}}},
        "413": {"description": "the body is too large", "content": text},
        "422": {"description": "the body cannot be read", "content": text},
        "500": {"description": "a coin, token or exchange that there is not", "content": text},
    }

    def path(body: Schema) -> Schema:
        content = {"application/json": {"schema": body}}
        return {"post": {"requestBody": {"required": True, "content": content}, "responses": answers}}

    return {
        "openapi": "3.1.0",
        "info": {"title": "local venue", "version": "1"},
        "paths": {f"/{name}": path(body) for name, body in bodies.items()},
    }
