// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

import {SafeTransfer} from "../src/SafeTransfer.sol";

interface IERC20Pull {
    function transferFrom(address from, address to, uint256 amount) external;
}

/// @title A small StableSwap of our own, after the published paper and the interface of Curve.
/// @notice It is not Curve's code, which no package carries. It has the interface of Curve's plain
/// pools and rounds where they are known to round: down in `D` and `y`, one unit in the pool's
/// favour, and the fee rounded down.
contract OwnStableSwap {
    using SafeTransfer for address;

    uint256 private constant FEE_ONE = 10 ** 10;
    uint256 private constant PRECISION = 10 ** 18;
    uint256 private constant MAX_ROUNDS = 255;

    /// @notice The amplification, as Curve states it: without the factor of the coin count.
    uint256 public immutable A;
    /// @notice Part of the output, ten decimals.
    uint256 public immutable fee;
    /// @notice The part of the fee that no depositor gets; this pool keeps none.
    uint256 public constant admin_fee = 0;
    address[] public coins;
    /// @notice Base units of each coin.
    uint256[] public balances;
    uint256[] private _rates;

    error SameCoin(int128 coin);
    error TooLittle(uint256 dy, uint256 minDy);
    error NotConverged();

    /// @param decimals_ Decimals of each coin.
    constructor(address[] memory coins_, uint8[] memory decimals_, uint256 amp, uint256 fee_) {
        (coins, A, fee) = (coins_, amp, fee_);
        balances = new uint256[](coins_.length);
        for (uint256 i = 0; i < coins_.length; ++i) _rates.push(10 ** (36 - decimals_[i]));
    }

    /// @notice Takes what arrived of every coin since as liquidity; shares are not kept.
    function absorb() external {
        for (uint256 i = 0; i < coins.length; ++i) {
            (, bytes memory answer) =
                coins[i].staticcall(abi.encodeWithSignature("balanceOf(address)", address(this)));
            balances[i] = abi.decode(answer, (uint256));
        }
    }

    /// @notice Returns nothing, as the oldest pools.
    function exchange(int128 i, int128 j, uint256 dx, uint256 minDy) external {
        (uint256 coinIn, uint256 coinOut) = (uint256(int256(i)), uint256(int256(j)));
        uint256 dy = get_dy(i, j, dx);
        if (dy < minDy) revert TooLittle(dy, minDy);
        balances[coinIn] += dx;
        balances[coinOut] -= dy;
        IERC20Pull(coins[coinIn]).transferFrom(msg.sender, address(this), dx);
        coins[coinOut].safeTransfer(msg.sender, dy);
    }

    /// @return Base units of coin j for `dx` of coin i, after the fee.
    function get_dy(int128 i, int128 j, uint256 dx) public view returns (uint256) {
        if (i == j) revert SameCoin(i);
        (uint256 coinIn, uint256 coinOut) = (uint256(int256(i)), uint256(int256(j)));
        uint256[] memory scaled = _scaled();
        uint256 invariant = _invariant(scaled);
        uint256 was = scaled[coinOut];
        scaled[coinIn] += (dx * _rates[coinIn]) / PRECISION;
        uint256 gross = was - _solve(coinOut, scaled, invariant) - 1;
        return ((gross - (gross * fee) / FEE_ONE) * PRECISION) / _rates[coinOut];
    }

    function _scaled() private view returns (uint256[] memory scaled) {
        scaled = new uint256[](balances.length);
        for (uint256 k = 0; k < scaled.length; ++k) {
            scaled[k] = (balances[k] * _rates[k]) / PRECISION;
        }
    }

    /// @dev Newton's method on the invariant D.
    function _invariant(uint256[] memory scaled) private view returns (uint256 d) {
        uint256 count = scaled.length;
        uint256 sum = 0;
        for (uint256 k = 0; k < count; ++k) sum += scaled[k];
        if (sum == 0) return 0;
        uint256 ann = A * count;
        d = sum;
        for (uint256 round = 0; round < MAX_ROUNDS; ++round) {
            uint256 power = d;
            for (uint256 k = 0; k < count; ++k) power = (power * d) / (scaled[k] * count);
            uint256 before = d;
            d = ((ann * sum + power * count) * d) / ((ann - 1) * d + (count + 1) * power);
            if (d > before ? d - before <= 1 : before - d <= 1) return d;
        }
        revert NotConverged();
    }

    /// @dev Newton's method on the balance of one coin, the others given.
    function _solve(uint256 coin, uint256[] memory scaled, uint256 d)
        private
        view
        returns (uint256 y)
    {
        uint256 count = scaled.length;
        uint256 ann = A * count;
        (uint256 c, uint256 sum) = (d, 0);
        for (uint256 k = 0; k < count; ++k) {
            if (k == coin) continue;
            sum += scaled[k];
            c = (c * d) / (scaled[k] * count);
        }
        c = (c * d) / (ann * count);
        uint256 b = sum + d / ann;
        y = d;
        for (uint256 round = 0; round < MAX_ROUNDS; ++round) {
            uint256 before = y;
            y = (y * y + c) / (2 * y + b - d);
            if (y > before ? y - before <= 1 : before - y <= 1) return y;
        }
        revert NotConverged();
    }
}
