// SushiSwap's router (@sushiswap/tines). Its own classes for constant product, concentrated and
// stable pools; weighted pools and ladders through its extension point, sub-classes of RPool.
// --mode N: so many flows instead of its default.
'use strict';
const { readArguments, run } = require('./runner.cjs');

const setup = readArguments();
const { universe } = setup;
const tines = setup.load('@sushiswap/tines');
const PPM = 1e6;

const tokens = universe.tokens.map((token) => ({
  name: token.symbol,
  symbol: token.symbol,
  address: token.address,
  decimals: token.decimals,
  chainId: 1,
}));
const idOf = new Map(universe.tokens.map((token) => [token.address, token.id]));

class WeightedPool extends tines.RPool {
  constructor(pool) {
    const [reserve0, reserve1] = pool.reserves.map(BigInt);
    const [token0, token1] = pool.tokens.map((id) => tokens[id]);
    super(pool.id, token0, token1, pool.feePpm / PPM, reserve0, reserve1, 1000, 90000);
    this.units = pool.reserves.map(Number);
    this.weights = pool.weights.map(Number);
  }

  sides(forward) {
    return forward ? [0, 1] : [1, 0];
  }

  calcOutByIn(amountIn, forward) {
    const [i, o] = this.sides(forward);
    const growth = Math.log1p((amountIn * (1 - this.fee)) / this.units[i]);
    const out = -this.units[o] * Math.expm1((-this.weights[i] / this.weights[o]) * growth);
    return { out, gasSpent: this.swapGasCost };
  }

  calcInByOut(amountOut, forward) {
    const [i, o] = this.sides(forward);
    const shrink = Math.log1p(-amountOut / this.units[o]);
    const net = this.units[i] * Math.expm1((-this.weights[o] / this.weights[i]) * shrink);
    return { inp: net / (1 - this.fee), gasSpent: this.swapGasCost };
  }

  calcCurrentPriceWithoutFee(forward) {
    const [i, o] = this.sides(forward);
    return (this.units[o] * this.weights[i]) / (this.units[i] * this.weights[o]);
  }
}

// Levels as {input, output} in base units per side; token0 is the base.
class LadderPool extends tines.RPool {
  constructor(pool) {
    const base = 10 ** universe.tokens[pool.base].decimals;
    const quote = 10 ** universe.tokens[pool.quote].decimals;
    const inUnits = ([price, size]) => [Number(size) * base, Number(price) * Number(size) * quote];
    const bids = pool.bids.map(inUnits).map(([b, q]) => ({ input: b, output: q }));
    const asks = pool.asks.map(inUnits).map(([b, q]) => ({ input: q, output: b }));
    const depth = (side) => BigInt(Math.floor(side.reduce((sum, level) => sum + level.output, 0)));
    const fee = pool.takerFeePpm / PPM;
    super(pool.id, tokens[pool.base], tokens[pool.quote], fee, depth(asks), depth(bids), 1, 0);
    this.side = (forward) => (forward ? bids : asks);
  }

  calcOutByIn(amountIn, forward) {
    let left = amountIn;
    let out = 0;
    for (const { input, output } of this.side(forward)) {
      const taken = Math.min(left, input);
      out += (taken * output) / input;
      left -= taken;
      if (left <= 0) break;
    }
    if (left > amountIn * 1e-9) throw new Error('the ladder is exhausted');
    return { out: out * (1 - this.fee), gasSpent: this.swapGasCost };
  }

  calcInByOut(amountOut, forward) {
    let left = amountOut / (1 - this.fee);
    let inp = 0;
    for (const { input, output } of this.side(forward)) {
      const given = Math.min(left, output);
      inp += (given * input) / output;
      left -= given;
      if (left <= 0) break;
    }
    return { inp: left > 1e-9 * amountOut ? Infinity : inp, gasSpent: this.swapGasCost };
  }

  calcCurrentPriceWithoutFee(forward) {
    const [best] = this.side(forward);
    return best.output / best.input;
  }
}

function concentrated(pool) {
  return new tines.UniV3Pool(
    pool.id,
    tokens[pool.token0],
    tokens[pool.token1],
    pool.feePpm / PPM,
    BigInt(pool.reserve0),
    BigInt(pool.reserve1),
    pool.tick,
    BigInt(pool.liquidity),
    BigInt(pool.sqrtPriceX96),
    pool.ticks.map((tick) => ({ index: tick.index, DLiquidity: BigInt(tick.liquidityNet) })),
  );
}

function poolOf(pool) {
  const fee = pool.feePpm / PPM;
  const [reserve0, reserve1] = (pool.reserves ?? [pool.reserve0, pool.reserve1]).map((units) =>
    BigInt(units ?? 0),
  );
  switch (pool.type) {
    case 'v2': {
      const pair = [tokens[pool.token0], tokens[pool.token1]];
      return new tines.ConstantProductRPool(pool.id, ...pair, fee, reserve0, reserve1);
    }
    case 'v3':
      return concentrated(pool);
    case 'stable': {
      const pair = pool.tokens.map((id) => tokens[id]);
      return new tines.CurvePool(pool.id, ...pair, fee, pool.amp, reserve0, reserve1);
    }
    case 'weighted':
      return new WeightedPool(pool);
    default:
      return new LadderPool(pool);
  }
}

// Its classes hold two coins: pools of more are not offered to it.
const pools = universe.pools.filter((pool) => (pool.tokens ?? []).length <= 2).map(poolOf);
const flows = setup.mode === undefined ? undefined : Number(setup.mode);

function quote(order) {
  const found = tines.findMultiRouteExactIn(
    tokens[order.tokenIn],
    tokens[order.tokenOut],
    BigInt(order.amountIn),
    pools,
    tokens[0],
    Number(order.gasPriceWei),
    flows,
  );
  if (found.status === tines.RouteStatus.NoWay) return null;
  const shares = found.legs.map((leg) => ({
    pool: leg.poolAddress,
    tokenIn: idOf.get(leg.tokenFrom.address),
    tokenOut: idOf.get(leg.tokenTo.address),
    portion: leg.swapPortion,
  }));
  return { claimedOut: String(found.amountOutBI), gas: found.gasSpent, shares };
}

run(setup, quote);
