// Uniswap's AlphaRouter (@uniswap/smart-order-router) with its providers answered from memory.
// Quotes that it would ask a contract for are computed by @uniswap/v3-sdk and v2-sdk, exactly.
// Its own settings: steps of 5 %, at most 7 splits, its own choice of pools.
'use strict';
const { readArguments, run } = require('./runner.cjs');
const { asFullRange } = require('./full_range.cjs');

const setup = readArguments();
const { universe } = setup;
const { createRequire } = require('module');
// Classes have to be those that the router itself uses, so they are found from its place.
const inner = createRequire(setup.load.resolve('@uniswap/smart-order-router/package.json'));
const { AlphaRouter } = inner('./build/main/index.js');
const { CurrencyAmount: RouterAmount } = inner('./build/main/util/amounts.js');
const v3 = inner('@uniswap/v3-sdk');
const { Pair } = inner('@uniswap/v2-sdk');
const { Token, CurrencyAmount, TradeType } = inner('@uniswap/sdk-core');
const { Protocol } = inner('@uniswap/router-sdk');
const { BigNumber } = inner('@ethersproject/bignumber');
const { StaticJsonRpcProvider } = inner('@ethersproject/providers');

const V2_FEE_PPM = 3000; // the only fee of a pair that it knows
const ZERO = BigNumber.from(0);
const tokens = universe.tokens.map(
  (token) => new Token(1, token.address, token.decimals, token.symbol),
);
const addressOf = (token) => token.address.toLowerCase();
const idOf = new Map(tokens.map((token, id) => [addressOf(token), id]));
const pairKey = (a, b) => [addressOf(a), addressOf(b)].sort().join();
const coinUsd = universe.tokens[0].priceUsd || 1;

const ranges = new Map(); // pair and fee -> {pool, id, address}
const pairs = new Map(); // pair -> {pair, id, address}
const rangesListed = [];
const pairsListed = [];

function addRanges(record) {
  const [token0, token1] = [tokens[record.token0], tokens[record.token1]];
  const key = pairKey(token0, token1);
  let fee = record.feePpm;
  while (ranges.has(key + fee)) fee += 1; // It tells pools apart by pair and fee alone.
  v3.TICK_SPACINGS[fee] = v3.TICK_SPACINGS[fee] ?? record.tickSpacing;
  const ticks = new v3.TickListDataProvider(record.ticks, record.tickSpacing);
  const { sqrtPriceX96, liquidity, tick } = record;
  const pool = new v3.Pool(token0, token1, fee, sqrtPriceX96, liquidity, tick, ticks);
  const address = record.address.toLowerCase();
  ranges.set(key + fee, { pool, id: record.id, address });
  rangesListed.push({
    id: address,
    feeTier: String(fee),
    liquidity,
    token0: { id: addressOf(pool.token0) },
    token1: { id: addressOf(pool.token1) },
    tvlETH: record.tvlUsd / coinUsd,
    tvlUSD: record.tvlUsd,
  });
}

function addPair(record) {
  const [token0, token1] = [tokens[record.token0], tokens[record.token1]];
  const key = pairKey(token0, token1);
  if (record.feePpm !== V2_FEE_PPM || pairs.has(key)) {
    addRanges(asFullRange(record, record.feePpm === 2500 ? 50 : 60));
    return;
  }
  const pair = new Pair(
    CurrencyAmount.fromRawAmount(token0, record.reserve0),
    CurrencyAmount.fromRawAmount(token1, record.reserve1),
  );
  const address = record.address.toLowerCase();
  pairs.set(key, { pair, id: record.id, address });
  pairsListed.push({
    id: address,
    token0: { id: addressOf(pair.token0) },
    token1: { id: addressOf(pair.token1) },
    supply: 1,
    reserve: record.tvlUsd / coinUsd,
    reserveUSD: record.tvlUsd,
  });
}

universe.pools.filter((pool) => pool.type === 'v3').forEach(addRanges);
universe.pools.filter((pool) => pool.type === 'v2').forEach(addPair);

// Where no pair trades the coin for dollars its gas model still needs a price; it is no candidate.
const dollar = tokens.find((token) => token.symbol === 'USDC') ?? tokens[1];
const dollars = BigInt(Math.floor(coinUsd * 1000)) * 10n ** BigInt(dollar.decimals);
const pricing = {
  address: 'pricing',
  pair: new Pair(
    CurrencyAmount.fromRawAmount(tokens[0], String(10n ** 21n)),
    CurrencyAmount.fromRawAmount(dollar, String(dollars)),
  ),
};
const pricingKey = pairKey(tokens[0], dollar);

function accessOf(known, member) {
  const byAddress = new Map(known.map((entry) => [entry.address, entry]));
  return {
    getPoolByAddress: (address) => (byAddress.get(address.toLowerCase()) ?? {})[member],
    getAllPools: () => known.map((entry) => entry[member]),
  };
}

const v3PoolProvider = {
  getPools: async (wanted) => {
    const known = wanted.map(([a, b, fee]) => ranges.get(pairKey(a, b) + fee)).filter(Boolean);
    const getPool = (a, b, fee) => (ranges.get(pairKey(a, b) + fee) ?? {}).pool;
    return { getPool, ...accessOf(known, 'pool') };
  },
  getPoolAddress: (a, b, fee) => {
    const [token0, token1] = a.sortsBefore(b) ? [a, b] : [b, a];
    const entry = ranges.get(pairKey(a, b) + fee);
    return { poolAddress: entry ? entry.address : `v3 ${pairKey(a, b)} ${fee}`, token0, token1 };
  },
};

const v2PoolProvider = {
  getPools: async (wanted) => {
    const known = wanted.map(([a, b]) => pairs.get(pairKey(a, b))).filter(Boolean);
    const asksForPrice = wanted.some(([a, b]) => pairKey(a, b) === pricingKey);
    if (known.length === 0 && asksForPrice) known.push(pricing);
    const getPool = (a, b) => (pairs.get(pairKey(a, b)) ?? {}).pair;
    return { getPool, ...accessOf(known, 'pair') };
  },
  getPoolAddress: (a, b) => {
    const [token0, token1] = a.sortsBefore(b) ? [a, b] : [b, a];
    const entry = pairs.get(pairKey(a, b));
    return { poolAddress: entry ? entry.address : `v2 ${pairKey(a, b)}`, token0, token1 };
  },
};

async function quoteRoute(route, amount) {
  let held = CurrencyAmount.fromRawAmount(amount.currency.wrapped, amount.quotient);
  const sqrtPriceX96AfterList = [];
  const initializedTicksCrossedList = [];
  for (const pool of route.pools ?? route.pairs) {
    if (pool instanceof Pair) {
      [held] = pool.getOutputAmount(held, false);
      sqrtPriceX96AfterList.push(ZERO);
      initializedTicksCrossedList.push(0);
    } else {
      const [out, after] = await pool.getOutputAmount(held);
      held = out;
      sqrtPriceX96AfterList.push(BigNumber.from(after.sqrtRatioX96.toString()));
      initializedTicksCrossedList.push(1);
    }
  }
  return {
    amount,
    quote: BigNumber.from(held.quotient.toString()),
    sqrtPriceX96AfterList,
    initializedTicksCrossedList,
    gasEstimate: BigNumber.from(100000),
    gasLimit: BigNumber.from(1000000),
  };
}

function noQuote(amount) {
  return {
    amount,
    quote: null,
    sqrtPriceX96AfterList: null,
    initializedTicksCrossedList: null,
    gasEstimate: null,
    gasLimit: null,
  };
}

const onChainQuoteProvider = {
  getQuotesManyExactIn: async (amounts, routes) => {
    const routesWithQuotes = [];
    for (const route of routes) {
      const quotes = [];
      for (const amount of amounts) {
        try {
          quotes.push(await quoteRoute(route, amount));
        } catch {
          quotes.push(noQuote(amount)); // The pool cannot take so much.
        }
      }
      routesWithQuotes.push([route, quotes]);
    }
    return { routesWithQuotes, blockNumber: ZERO };
  },
};

let gasPriceWei = ZERO;
const router = new AlphaRouter({
  chainId: 1,
  provider: new StaticJsonRpcProvider('http://127.0.0.1:1', 1), // never asked
  v3PoolProvider,
  v2PoolProvider,
  onChainQuoteProvider,
  tokenProvider: {
    getTokens: async () => ({
      getTokenByAddress: (address) => tokens[idOf.get(address.toLowerCase())],
      getTokenBySymbol: (symbol) => tokens.find((token) => token.symbol === symbol),
      getAllTokens: () => tokens,
    }),
  },
  blockedTokenListProvider: {
    hasTokenBySymbol: async () => false,
    getTokenBySymbol: async () => undefined,
    hasTokenByAddress: async () => false,
    getTokenByAddress: async () => undefined,
  },
  v4SubgraphProvider: { getPools: async () => [] },
  v3SubgraphProvider: { getPools: async () => rangesListed },
  v2SubgraphProvider: { getPools: async () => pairsListed },
  gasPriceProvider: { getGasPrice: async () => ({ gasPriceWei }) },
  tokenPropertiesProvider: { getTokensProperties: async () => ({}) },
  tokenValidatorProvider: {
    validateTokens: async () => ({ getValidationByToken: () => undefined }),
  },
});
const config = {
  blockNumber: 1,
  protocols: [Protocol.V2, Protocol.V3, Protocol.MIXED],
  useCachedRoutes: false,
  writeToCachedRoutes: false,
  distributionPercent: 5,
  maxSplits: 7,
};

function hopOf(pool, from, to) {
  const key = pairKey(pool.token0, pool.token1);
  const entry = pool instanceof Pair ? pairs.get(key) : ranges.get(key + pool.fee);
  const [tokenIn, tokenOut] = [from, to].map((token) => idOf.get(addressOf(token.wrapped)));
  return { pool: entry.id, tokenIn, tokenOut };
}

async function quote(order) {
  gasPriceWei = BigNumber.from(order.gasPriceWei);
  const found = await router.route(
    RouterAmount.fromRawAmount(tokens[order.tokenIn], order.amountIn),
    tokens[order.tokenOut],
    TradeType.EXACT_INPUT,
    undefined,
    config,
  );
  if (!found) return null;
  const paths = found.route.map(({ route, amount }) => {
    const via = route.tokenPath ?? route.path;
    const hops = (route.pools ?? route.pairs).map((pool, place) =>
      hopOf(pool, via[place], via[place + 1]),
    );
    return { amountIn: amount.quotient.toString(), hops };
  });
  return { claimedOut: found.quote.quotient.toString(), paths };
}

run(setup, quote).then(() => process.exit(0));
