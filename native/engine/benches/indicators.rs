//! Batch and streaming speed of the indicators, per million inputs.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::indicators::{
    Adx, Atr, Bollinger, Columns, Ema, HighLowClose, Indicator, Macd, Max, Rsi, Sma, Std, Streaming, Wma,
};

const LENGTH: usize = 1_000_000;

/// A random walk from a fixed seed: highs, lows and closes around 46,000.
fn prices() -> [Vec<f64>; 3] {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut unit = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let (mut high, mut low, mut close) = (Vec::new(), Vec::new(), Vec::new());
    let mut price = 46_000.0;
    for _ in 0..LENGTH {
        price += 20.0 * (unit() - 0.5);
        close.push(price);
        high.push(price + 5.0 * unit());
        low.push(price - 5.0 * unit());
    }
    [high, low, close]
}

fn batch(criterion: &mut Criterion) {
    let [high, low, close] = prices();
    let mut group = criterion.benchmark_group("batch");
    group.throughput(Throughput::Elements(LENGTH as u64)).sample_size(20);
    let mut out = vec![vec![0.0; LENGTH]; 3];
    let mut run = |name: &str, indicator: &dyn Streaming, columns: &[&[f64]]| {
        let count = indicator.outputs().len();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut out: Vec<&mut [f64]> = out.iter_mut().take(count).map(Vec::as_mut_slice).collect();
                indicator.batch(&Columns { numbers: black_box(columns), times: None }, &mut out).unwrap();
            });
        });
    };
    run("sma_20", &Sma::new(20).unwrap(), &[&close]);
    run("sma_200", &Sma::new(200).unwrap(), &[&close]);
    run("wma_20", &Wma::new(20).unwrap(), &[&close]);
    run("ema_20", &Ema::new(20).unwrap(), &[&close]);
    run("rsi_14", &Rsi::new(14).unwrap(), &[&close]);
    run("macd_12_26_9", &Macd::new(12, 26, 9).unwrap(), &[&close]);
    run("bollinger_20", &Bollinger::new(20, 2.0).unwrap(), &[&close]);
    run("std_20", &Std::new(20).unwrap(), &[&close]);
    run("max_20", &Max::new(20).unwrap(), &[&close]);
    run("atr_14", &Atr::new(14).unwrap(), &[&high, &low, &close]);
    run("adx_14", &Adx::new(14).unwrap(), &[&high, &low, &close]);
    group.finish();
}

fn streaming(criterion: &mut Criterion) {
    let [high, low, close] = prices();
    let mut group = criterion.benchmark_group("streaming");
    group.throughput(Throughput::Elements(LENGTH as u64)).sample_size(20);
    group.bench_function("sma_20", |bencher| {
        let mut sma = Sma::new(20).unwrap();
        bencher.iter(|| close.iter().filter_map(|price| sma.update(*price)).fold(0.0, |_, value| black_box(value)));
    });
    group.bench_function("atr_14", |bencher| {
        let mut atr = Atr::new(14).unwrap();
        bencher.iter(|| {
            for ((high, low), close) in high.iter().zip(&low).zip(&close) {
                black_box(atr.update(HighLowClose { high: *high, low: *low, close: *close }));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, batch, streaming);
criterion_main!(benches);
