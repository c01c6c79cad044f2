//! How fast an order is signed, beside what the signature alone costs in libsecp256k1.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::hyperliquid::action::{Action, Grouping, Order, OrderType, Tif, WireCloid};
use engine::hyperliquid::keys::PrivateKey;
use engine::hyperliquid::request::Request;
use engine::hyperliquid::signing::{Network, Terms, action_hash, l1_digest, pack, sign_l1};
use engine::num::{Price, Qty};
use engine::order::Cloid;
use secp256k1::{Message, Secp256k1, SecretKey};

fn orders(count: u128) -> Action {
    let order = |n| Order {
        asset: 1,
        is_buy: true,
        price: Price::from_raw(6_543_210_000_000),
        quantity: Qty::from_raw(1_234_000),
        is_reduce_only: false,
        order_type: OrderType::Limit { tif: Tif::Alo },
        cloid: Some(WireCloid(Cloid(n))),
    };
    Action::Order { orders: (0..count).map(order).collect(), grouping: Grouping::None, builder: None }
}

fn signing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hyperliquid_signing");
    group.throughput(Throughput::Elements(1));
    let bytes = [0x23; 32];
    let key = PrivateKey::from_bytes(&bytes).unwrap();
    let terms = Terms::new(1_700_000_000_000);
    let digest = l1_digest(action_hash(&orders(1), &terms).unwrap(), Network::Mainnet);

    let context = Secp256k1::signing_only();
    let secret = SecretKey::from_byte_array(bytes).unwrap();
    group.bench_function("libsecp256k1 alone: one recoverable signature", |bencher| {
        bencher.iter(|| {
            context.sign_ecdsa_recoverable(Message::from_digest(black_box(digest.0)), &secret).serialize_compact()
        });
    });
    for count in [1, 20] {
        let action = orders(count);
        group.bench_function(format!("{count} orders: packed, hashed, signed"), |bencher| {
            bencher.iter(|| sign_l1(&key, black_box(&action), &terms, Network::Mainnet).unwrap());
        });
        group.bench_function(format!("{count} orders: packed, hashed, signed, written as a body"), |bencher| {
            bencher.iter(|| Request::sign(&key, black_box(&action), terms, Network::Mainnet).unwrap().body().unwrap());
        });
        group.bench_function(format!("{count} orders: packed"), |bencher| {
            bencher.iter(|| pack(black_box(&action)).unwrap());
        });
        group.bench_function(format!("{count} orders: packed and hashed"), |bencher| {
            bencher.iter(|| l1_digest(action_hash(black_box(&action), &terms).unwrap(), Network::Mainnet));
        });
    }
    let signature = key.sign(&digest);
    group.bench_function("the signer of a digest", |bencher| {
        bencher.iter(|| signature.signer(black_box(&digest)).unwrap())
    });
    group.bench_function("a key from hex", |bencher| {
        let text = "23".repeat(32);
        bencher.iter(|| PrivateKey::from_hex(black_box(&text)).unwrap());
    });
    group.finish();
}

criterion_group!(benches, signing);
criterion_main!(benches);
