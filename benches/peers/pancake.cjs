// PancakeSwap's routers (@pancakeswap/smart-router) with every pool in memory.
// --mode infinity (default): InfinityRouter over every pool. --mode smart: SmartRouter, splits of
// 5 %, over the pools that its own selectors keep.
'use strict';
const { readArguments, run } = require('./runner.cjs');
const { asFullRange } = require('./full_range.cjs');

const setup = readArguments();
const { universe } = setup;
const { SmartRouter, InfinityRouter, PoolType } = setup.load('@pancakeswap/smart-router');
// Packages that the router itself brings are found from its place.
const inner = require('module').createRequire(setup.load.resolve('@pancakeswap/smart-router'));
const { ERC20Token, CurrencyAmount, TradeType, Percent } = inner('@pancakeswap/sdk');
const v3 = inner('@pancakeswap/v3-sdk');
const { getAddress } = inner('viem');

v3.TICK_SPACINGS[3000] = 60; // Its table lacks Uniswap's tier of 0.3 %.
const V2_FEE_PPM = 2500; // the only fee of a pair that it knows
const MAX_HOPS = 3;
const MAX_SPLITS = 4;

const tokens = universe.tokens.map(
  (token) => new ERC20Token(1, getAddress(token.address), token.decimals, token.symbol),
);
const idOf = new Map(universe.tokens.map((token) => [token.address.toLowerCase(), token.id]));
const amountOf = (id, units) => CurrencyAmount.fromRawAmount(tokens[id], BigInt(units));
const tvlOf = (pool) => BigInt(Math.floor(pool.tvlUsd || 0));
const addressOf = (token) => token.address.toLowerCase();
const pairKey = (a, b) => [addressOf(tokens[a]), addressOf(tokens[b])].sort().join();

const nameOf = new Map(); // the universe's id, by address or by the pair of a V2 pool

function rangesPool(pool) {
  nameOf.set(pool.address.toLowerCase(), pool.id);
  return {
    type: PoolType.V3,
    token0: tokens[pool.token0],
    token1: tokens[pool.token1],
    fee: pool.feePpm,
    liquidity: BigInt(pool.liquidity),
    sqrtRatioX96: BigInt(pool.sqrtPriceX96),
    tick: pool.tick,
    address: pool.address,
    token0ProtocolFee: new Percent(0, 1),
    token1ProtocolFee: new Percent(0, 1),
    reserve0: amountOf(pool.token0, pool.reserve0),
    reserve1: amountOf(pool.token1, pool.reserve1),
    ticks: pool.ticks.map(
      (tick) =>
        new v3.Tick({
          index: tick.index,
          liquidityNet: BigInt(tick.liquidityNet),
          liquidityGross: BigInt(tick.liquidityGross),
        }),
    ),
    tvlUSD: tvlOf(pool),
  };
}

function pairPool(pool) {
  const key = pairKey(pool.token0, pool.token1);
  if (pool.feePpm !== V2_FEE_PPM || nameOf.has(key)) {
    return rangesPool(asFullRange(pool, pool.feePpm === V2_FEE_PPM ? 50 : 60));
  }
  nameOf.set(key, pool.id);
  const reserve0 = amountOf(pool.token0, pool.reserve0);
  const reserve1 = amountOf(pool.token1, pool.reserve1);
  return { type: PoolType.V2, reserve0, reserve1, tvlUSD: tvlOf(pool) };
}

function stablePool(pool) {
  nameOf.set(pool.address.toLowerCase(), pool.id);
  const balances = pool.tokens
    .map((id, place) => amountOf(id, pool.reserves[place]))
    .sort((a, b) => (addressOf(a.currency) < addressOf(b.currency) ? -1 : 1));
  return {
    type: PoolType.STABLE,
    address: pool.address,
    balances,
    amplifier: BigInt(pool.amp),
    fee: new Percent(BigInt(pool.feePpm), 1000000n),
    tvlUSD: tvlOf(pool),
  };
}

const makers = { v2: pairPool, v3: rangesPool, stable: stablePool };
const pools = universe.pools
  .filter((pool) => pool.type in makers)
  .map((pool) => makers[pool.type](pool));

function nameOfPool(pool) {
  if (pool.type !== PoolType.V2) return nameOf.get(pool.address.toLowerCase());
  const ids = [pool.reserve0, pool.reserve1].map((part) => idOf.get(addressOf(part.currency)));
  return nameOf.get(pairKey(...ids));
}

const ofType = (type) => pools.filter((pool) => pool.type === type);

function selected(tokenIn, tokenOut) {
  const kept = [
    ...SmartRouter.v3PoolTvlSelector(tokenIn, tokenOut, ofType(PoolType.V3)),
    ...SmartRouter.v2PoolTvlSelector(tokenIn, tokenOut, ofType(PoolType.V2)),
  ];
  const reached = new Set([tokenIn, tokenOut].map(addressOf));
  for (const pool of kept) {
    const coins = pool.type === PoolType.V2 ? [pool.reserve0.currency, pool.reserve1.currency] : [pool.token0, pool.token1];
    coins.forEach((coin) => reached.add(addressOf(coin)));
  }
  const stable = ofType(PoolType.STABLE).filter((pool) =>
    pool.balances.every((part) => reached.has(addressOf(part.currency))),
  );
  return [...kept, ...stable];
}

const quoteProvider = SmartRouter.createOffChainQuoteProvider();

function smartTrade(amount, tokenOut, gasPriceWei) {
  return SmartRouter.getBestTrade(amount, tokenOut, TradeType.EXACT_INPUT, {
    gasPriceWei,
    maxHops: MAX_HOPS,
    maxSplits: MAX_SPLITS,
    poolProvider: SmartRouter.createStaticPoolProvider(selected(amount.currency, tokenOut)),
    quoteProvider,
    quoterOptimization: false,
  });
}

function infinityTrade(amount, tokenOut, gasPriceWei) {
  return InfinityRouter.getBestTrade(amount, tokenOut, TradeType.EXACT_INPUT, {
    candidatePools: pools,
    gasPriceWei,
    maxHops: MAX_HOPS,
  });
}

function pathsOf(trade, amountIn) {
  let left = BigInt(amountIn);
  return trade.routes.map((route) => {
    const wanted = route.inputAmount.quotient;
    const amount = wanted < left ? wanted : left;
    left -= amount;
    const hops = route.pools.map((pool, place) => ({
      pool: nameOfPool(pool),
      tokenIn: idOf.get(addressOf(route.path[place].wrapped)),
      tokenOut: idOf.get(addressOf(route.path[place + 1].wrapped)),
    }));
    return { amountIn: String(amount), hops };
  });
}

async function quote(order) {
  const amount = amountOf(order.tokenIn, order.amountIn);
  // At a gas price of zero it takes a coarser split; one wei is as good as none.
  const gasPriceWei = BigInt(order.gasPriceWei) || 1n;
  const best = setup.mode === 'smart' ? smartTrade : infinityTrade;
  const trade = await best(amount, tokens[order.tokenOut], gasPriceWei);
  if (!trade) return null;
  const claimedOut = String(trade.outputAmount.quotient);
  return { claimedOut, paths: pathsOf(trade, order.amountIn) };
}

run(setup, quote);
