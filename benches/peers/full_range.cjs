// A constant-product pair as the same curve in concentrated form: one position over all ticks. For
// routers that know V2 pairs of one fee only, or one pair per two tokens.
'use strict';

function integerRoot(square) {
  if (square < 2n) return square;
  let root = 1n << BigInt((square.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + square / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

function asFullRange(pair, tickSpacing) {
  const reserve0 = BigInt(pair.reserve0);
  const reserve1 = BigInt(pair.reserve1);
  const sqrtPriceX96 = integerRoot((reserve1 << 192n) / reserve0);
  const liquidity = integerRoot(reserve0 * reserve1);
  const price = Number(sqrtPriceX96) / 2 ** 96;
  const edge = Math.floor(887272 / tickSpacing) * tickSpacing;
  return {
    ...pair,
    type: 'v3',
    tickSpacing,
    sqrtPriceX96: String(sqrtPriceX96),
    tick: Math.floor((2 * Math.log(price)) / Math.log(1.0001)),
    liquidity: String(liquidity),
    ticks: [
      { index: -edge, liquidityGross: String(liquidity), liquidityNet: String(liquidity) },
      { index: edge, liquidityGross: String(liquidity), liquidityNet: String(-liquidity) },
    ],
  };
}

module.exports = { asFullRange };
