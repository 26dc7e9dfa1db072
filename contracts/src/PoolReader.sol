// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

interface IUniswapV2PairState {
    function token0() external view returns (address);
    function token1() external view returns (address);
    function getReserves() external view returns (uint112, uint112, uint32);
}

interface IUniswapV3PoolState {
    function slot0() external view returns (uint160, int24, uint16, uint16, uint16, uint8, bool);
    function liquidity() external view returns (uint128);
    function fee() external view returns (uint24);
    function tickSpacing() external view returns (int24);
    function token0() external view returns (address);
    function token1() external view returns (address);
    function tickBitmap(int16 word) external view returns (uint256);
    function ticks(int24 tick)
        external
        view
        returns (uint128, int128, uint256, uint256, int56, uint160, uint32, bool);
}

/// @title Reads the whole state of Uniswap V2 pairs and V3 pools in one eth_call.
/// @notice Has no constructor and no storage, so it need not be deployed: pass its runtime code as
/// the code override of any unused address in eth_call. Every answer carries the number of the
/// block it was read at; all pools of one answer are of that same block.
/// @dev Reverts when an address is not a pool of the expected kind. A full scan of a V3 pool with
/// tick spacing 1 takes about 24 million gas: pass `gas` explicitly, or read ranges of words.
contract PoolReader {
    /// @param index Tick number, a multiple of the pool's tick spacing.
    /// @param liquidityGross Liquidity of all positions that start or end here.
    /// @param liquidityNet Liquidity added when the price crosses upwards, removed downwards.
    struct Tick {
        int24 index;
        uint128 liquidityGross;
        int128 liquidityNet;
    }

    /// @param fee Swap fee in parts per million of the input.
    /// @param sqrtPriceX96 Square root of token1 per token0 in base units, times 2**96.
    /// @param firstWord First word of the tick bitmap that was scanned.
    /// @param lastWord Last word of the tick bitmap that was scanned, inclusive.
    /// @param ticks Initialised ticks of the scanned words, ascending.
    struct V3Pool {
        address pool;
        address token0;
        address token1;
        uint24 fee;
        int24 tickSpacing;
        uint160 sqrtPriceX96;
        int24 tick;
        uint128 liquidity;
        int16 firstWord;
        int16 lastWord;
        Tick[] ticks;
    }

    /// @param reserve0 Base units of token0 the pair accounts for.
    /// @param reserve1 Base units of token1 the pair accounts for.
    struct V2Pair {
        address pair;
        address token0;
        address token1;
        uint112 reserve0;
        uint112 reserve1;
    }

    error WordRangeInvalid(int16 firstWord, int16 lastWord);

    int24 private constant MIN_TICK = -887272;
    int24 private constant MAX_TICK = 887272;

    /// @notice Reads V3 pools with all their ticks, and V2 pairs, all at one block.
    function readAll(address[] calldata pools, address[] calldata pairs)
        external
        view
        returns (uint256 blockNumber, V3Pool[] memory v3Pools, V2Pair[] memory v2Pairs)
    {
        return (block.number, _readV3Many(pools), _readV2Many(pairs));
    }

    /// @notice Reads V3 pools with all their ticks.
    function readV3Many(address[] calldata pools)
        external
        view
        returns (uint256 blockNumber, V3Pool[] memory v3Pools)
    {
        return (block.number, _readV3Many(pools));
    }

    /// @notice Reads one V3 pool with the ticks of some words of its tick bitmap.
    /// @param firstWord First word, inclusive; one word covers 256 multiples of the tick spacing.
    /// @param lastWord Last word, inclusive.
    function readV3Words(address pool, int16 firstWord, int16 lastWord)
        external
        view
        returns (uint256 blockNumber, V3Pool memory v3Pool)
    {
        if (firstWord > lastWord) revert WordRangeInvalid(firstWord, lastWord);
        v3Pool = _readV3Head(pool);
        _readV3Ticks(v3Pool, firstWord, lastWord);
        return (block.number, v3Pool);
    }

    /// @notice Reads the tokens and reserves of V2 pairs.
    function readV2Many(address[] calldata pairs)
        external
        view
        returns (uint256 blockNumber, V2Pair[] memory v2Pairs)
    {
        return (block.number, _readV2Many(pairs));
    }

    function _readV2Many(address[] calldata pairs) private view returns (V2Pair[] memory states) {
        states = new V2Pair[](pairs.length);
        for (uint256 i = 0; i < pairs.length; ++i) {
            IUniswapV2PairState pair = IUniswapV2PairState(pairs[i]);
            V2Pair memory state = states[i];
            state.pair = pairs[i];
            state.token0 = pair.token0();
            state.token1 = pair.token1();
            (state.reserve0, state.reserve1,) = pair.getReserves();
        }
    }

    function _readV3Many(address[] calldata pools) private view returns (V3Pool[] memory states) {
        states = new V3Pool[](pools.length);
        for (uint256 i = 0; i < pools.length; ++i) {
            V3Pool memory state = _readV3Head(pools[i]);
            (int16 firstWord, int16 lastWord) = _allWords(state.tickSpacing);
            _readV3Ticks(state, firstWord, lastWord);
            states[i] = state;
        }
    }

    function _readV3Head(address poolAddress) private view returns (V3Pool memory state) {
        IUniswapV3PoolState pool = IUniswapV3PoolState(poolAddress);
        state.pool = poolAddress;
        state.token0 = pool.token0();
        state.token1 = pool.token1();
        state.fee = pool.fee();
        state.tickSpacing = pool.tickSpacing();
        (state.sqrtPriceX96, state.tick,,,,,) = pool.slot0();
        state.liquidity = pool.liquidity();
    }

    /// @dev Two passes: the number of ticks must be known before their array can be allocated.
    function _readV3Ticks(V3Pool memory state, int16 firstWord, int16 lastWord) private view {
        IUniswapV3PoolState pool = IUniswapV3PoolState(state.pool);
        state.firstWord = firstWord;
        state.lastWord = lastWord;

        uint256 wordCount = uint256(int256(lastWord) - int256(firstWord) + 1);
        uint256[] memory words = new uint256[](wordCount);
        uint256 tickCount = 0;
        for (uint256 i = 0; i < wordCount; ++i) {
            uint256 word = pool.tickBitmap(int16(int256(firstWord) + int256(i)));
            words[i] = word;
            for (; word != 0; word &= word - 1) ++tickCount; // Each round clears the lowest bit.
        }

        Tick[] memory ticks = new Tick[](tickCount);
        uint256 next = 0;
        for (uint256 i = 0; i < wordCount; ++i) {
            int256 base = (int256(firstWord) + int256(i)) * 256;
            for (uint256 word = words[i]; word != 0; word &= word - 1) {
                int256 index = (base + int256(_lowestBit(word))) * state.tickSpacing;
                Tick memory tick = ticks[next++];
                tick.index = int24(index);
                (tick.liquidityGross, tick.liquidityNet,,,,,,) = pool.ticks(int24(index));
            }
        }
        state.ticks = ticks;
    }

    /// @dev The words that hold every usable tick: the multiples of the spacing within the limits.
    function _allWords(int24 tickSpacing) private pure returns (int16 firstWord, int16 lastWord) {
        return (int16((MIN_TICK / tickSpacing) >> 8), int16((MAX_TICK / tickSpacing) >> 8));
    }

    /// @dev Position 0..255 of the lowest set bit by halving; `word` is not zero.
    function _lowestBit(uint256 word) private pure returns (uint256 position) {
        unchecked {
            // Cannot overflow: the added powers of two sum to at most 255.
            if (word & type(uint128).max == 0) (word, position) = (word >> 128, 128);
            if (word & type(uint64).max == 0) (word, position) = (word >> 64, position + 64);
            if (word & type(uint32).max == 0) (word, position) = (word >> 32, position + 32);
            if (word & type(uint16).max == 0) (word, position) = (word >> 16, position + 16);
            if (word & 0xff == 0) (word, position) = (word >> 8, position + 8);
            if (word & 0xf == 0) (word, position) = (word >> 4, position + 4);
            if (word & 0x3 == 0) (word, position) = (word >> 2, position + 2);
            if (word & 0x1 == 0) position += 1;
        }
    }
}
