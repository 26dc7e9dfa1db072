// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

import {SafeTransfer} from "./SafeTransfer.sol";
import {IBalancerVault} from "./interfaces/IBalancerVault.sol";
import {ICurveCrypto, ICurveStable} from "./interfaces/ICurve.sol";
import {IERC20} from "./interfaces/IERC20.sol";
import {ISignatureTransfer} from "./interfaces/ISignatureTransfer.sol";
import {IUniswapV2Pair, IUniswapV3Pool, IUniswapV3SwapCallback} from "./interfaces/IUniswap.sol";
import {IPoolManager, IUnlockCallback} from "./interfaces/IUniswapV4.sol";

/// @title Runs a plan of swaps over Uniswap V2, V3, V4, Curve and Balancer V2 in one transaction.
/// @notice The operator signs one Permit2 transfer per plan. It names this contract, the exact input
/// and the hash of the whole plan, and its nonce can be used once: a plan pays at most once, and
/// nobody can run other steps or other minimums with the operator's signature. The operator never
/// approves this contract. This contract approves a Curve pool or the Balancer vault for exactly the
/// input of one step, and nobody when the step is over.
/// @dev All or nothing: either every step swaps its whole input and every output reaches its minimum,
/// or the transaction reverts. Tokens that lay here before a plan touched them (sent by a stranger)
/// are not counted, not spent and not paid out, so they can neither block a plan nor change it.
/// Tokens that take a fee on transfer are refused as input and as output. The coin itself is not
/// swapped, only its wrapped token; V4 pools with hooks cannot be named.
contract RouteExecutor is IUniswapV3SwapCallback, IUnlockCallback {
    using SafeTransfer for address;

    /// @param kind 0 = Uniswap V2 pair, 1 = Uniswap V3 pool, 2 = Uniswap V4 pool, 3 = Curve pool,
    /// 4 = Balancer V2 pool.
    /// @param pool The contract that swaps: the pool itself, V4's pool manager, Balancer's vault.
    /// @param feePpm Fee of a V2 pair in parts per million of the input; the fee in the key of a V4
    /// pool; else not used.
    /// @param amountIn Base units of tokenIn, or `ALL` for what the plan then holds of it.
    /// @param detail Which pool or coins. V4: the tick spacing. Balancer: the pool id. Curve: coin in
    /// (bits 0..7), coin out (8..15), 1 in bit 16 when the pool numbers coins with uint256.
    struct Step {
        uint8 kind;
        address pool;
        address tokenIn;
        address tokenOut;
        uint24 feePpm;
        uint256 amountIn;
        bytes32 detail;
    }

    /// @param minOut Least base units the operator must receive; never zero.
    struct Output {
        address token;
        uint256 minOut;
    }

    /// @param planId The caller's own name for the plan; only repeated in the event.
    /// @param amountIn Base units of tokenIn to pull from the operator; all of it must be swapped.
    /// @param permitNonce Unordered Permit2 nonce of the operator.
    /// @param deadline Last block time at which the plan may run, Unix seconds.
    /// @param outputs Every token that may remain after the last step, each once.
    struct Plan {
        bytes32 planId;
        address tokenIn;
        uint256 amountIn;
        uint256 permitNonce;
        uint256 deadline;
        Step[] steps;
        Output[] outputs;
    }

    /// @dev `strayBalance` lay here before the plan touched the token, `amount` belongs to the plan.
    /// Between steps the contract's balance is exactly the sum of the two. Base units.
    struct Holding {
        address token;
        uint256 strayBalance;
        uint256 amount;
    }

    /// @notice Emitted once per executed plan.
    /// @param amountIn Base units of tokenIn taken from the operator.
    /// @param tokens Output tokens in the order of the plan.
    /// @param amountsOut Base units the operator received, in the same order.
    event RouteExecuted(
        bytes32 indexed planId,
        address indexed tokenIn,
        uint256 amountIn,
        address[] tokens,
        uint256[] amountsOut
    );

    error NotOperator(address caller);
    error Reentered();
    error DeadlinePassed(uint256 deadline, uint256 blockTimestamp);
    error PlanEmpty(uint256 stepCount, uint256 outputCount);
    error MinOutZero(address token);
    error NoCode(address account);
    error UnexpectedTransferAmount(address token, uint256 expected, uint256 received);
    error UnknownStepKind(uint256 step, uint8 kind);
    error SameToken(uint256 step, address token);
    error FeeOutOfRange(uint256 step, uint24 feePpm);
    error TickSpacingOutOfRange(uint256 step, uint256 tickSpacing);
    error StepInputUnavailable(uint256 step, address token, uint256 held, uint256 requested);
    error StepInputMismatch(
        uint256 step, address token, uint256 expectedBalance, uint256 actualBalance
    );
    error StepOutputZero(uint256 step, address token);
    error NotActivePool(address caller, address activePool);
    error PoolInputMismatch(address pool, uint256 offered, int256 asked);
    error MinOutNotMet(address token, uint256 amountOut, uint256 minOut);
    error TokenLeftOver(address token, uint256 amount);

    /// @notice Step kind: a Uniswap V2 pair.
    uint8 public constant KIND_V2 = 0;
    /// @notice Step kind: a Uniswap V3 pool.
    uint8 public constant KIND_V3 = 1;
    /// @notice Step kind: a Uniswap V4 pool without hooks.
    uint8 public constant KIND_V4 = 2;
    /// @notice Step kind: a Curve pool.
    uint8 public constant KIND_CURVE = 3;
    /// @notice Step kind: a Balancer V2 pool.
    uint8 public constant KIND_BALANCER = 4;
    /// @notice Step input: everything the plan holds of the token when the step begins.
    uint256 public constant ALL = type(uint256).max;
    /// @notice The end of the EIP-712 type of the permit, after Permit2's own four members.
    string public constant WITNESS_TYPE =
        "bytes32 planHash)TokenPermissions(address token,uint256 amount)";

    uint256 private constant PPM_ONE = 1_000_000;
    uint256 private constant MAX_TICK_SPACING = 32767;
    uint256 private constant CURVE_UINT256 = 1 << 16;
    // The first prices beyond what any pool can reach: a swap never stops at a limit of ours.
    uint160 private constant MIN_SQRT_PRICE_LIMIT_X96 = 4295128739 + 1;
    uint160 private constant MAX_SQRT_PRICE_LIMIT_X96 =
        1461446703485210103287273052203988822378723970342 - 1;

    /// @notice The hot wallet: calls, signs, pays and receives.
    address public immutable operator;
    /// @notice The Permit2 contract.
    ISignatureTransfer public immutable permit2;

    bool private transient _executing;
    // What the running V3 or V4 swap may take: only this pool or pool manager, by its own callback,
    // this token, this amount, once.
    address private transient _activePool;
    address private transient _activeManager;
    address private transient _activeToken;
    uint256 private transient _activeAmount;

    constructor(address operator_, address permit2_) {
        if (operator_ == address(0)) revert NotOperator(operator_);
        if (permit2_.code.length == 0) revert NoCode(permit2_);
        operator = operator_;
        permit2 = ISignatureTransfer(permit2_);
    }

    /// @notice Pulls the input, runs every step in order and pays every output to the operator.
    /// @param signature The operator's EIP-712 signature of the Permit2 witness transfer: permitted
    /// (tokenIn, amountIn), spender this contract, nonce permitNonce, deadline, and `hashPlan(plan)`.
    /// @return amountsOut Base units paid to the operator, in the order of `plan.outputs`.
    function execute(Plan calldata plan, bytes calldata signature)
        external
        returns (uint256[] memory amountsOut)
    {
        if (msg.sender != operator) revert NotOperator(msg.sender);
        if (_executing) revert Reentered();
        _executing = true;
        _requireRunnable(plan);

        Holding[] memory holdings = new Holding[](plan.steps.length + 1);
        _pullInput(plan, signature, _open(holdings, plan.tokenIn));
        for (uint256 i = 0; i < plan.steps.length; ++i) {
            _runStep(i, plan.steps[i], holdings);
        }
        address[] memory tokens;
        (tokens, amountsOut) = _payOutputs(plan.outputs, holdings);
        _requireNothingLeft(holdings);

        _executing = false;
        emit RouteExecuted(plan.planId, plan.tokenIn, plan.amountIn, tokens, amountsOut);
    }

    /// @inheritdoc IUniswapV3SwapCallback
    /// @notice Pays the pool whose swap is running, once, exactly the input of its step.
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata)
        external
    {
        if (msg.sender != _activePool) revert NotActivePool(msg.sender, _activePool);
        _activePool = address(0);

        // Asking less means that the pool ran dry; it must not keep the rest of the step from us.
        int256 asked = amount0Delta > 0 ? amount0Delta : amount1Delta;
        if (asked <= 0 || uint256(asked) != _activeAmount) {
            revert PoolInputMismatch(msg.sender, _activeAmount, asked);
        }
        _activeToken.safeTransfer(msg.sender, _activeAmount);
    }

    /// @inheritdoc IUnlockCallback
    /// @notice Swaps in the manager whose step is running, once, and pays exactly its input.
    /// @dev What is paid is known from the step and not from `callbackData`: a manager that hands in
    /// other data than it got swaps something else within itself and is judged by balances.
    function unlockCallback(bytes calldata callbackData) external returns (bytes memory) {
        if (msg.sender != _activeManager) revert NotActivePool(msg.sender, _activeManager);
        _activeManager = address(0);

        (address tokenIn, uint256 amountIn) = (_activeToken, _activeAmount);
        (IPoolManager.PoolKey memory key, bool zeroForOne) =
            abi.decode(callbackData, (IPoolManager.PoolKey, bool));
        IPoolManager manager = IPoolManager(msg.sender);
        int256 swapDelta = manager.swap(
            key,
            IPoolManager.SwapParams({
                zeroForOne: zeroForOne,
                amountSpecified: -int256(amountIn),
                sqrtPriceLimitX96: zeroForOne ? MIN_SQRT_PRICE_LIMIT_X96 : MAX_SQRT_PRICE_LIMIT_X96
            }),
            ""
        );
        (int256 amount0, int256 amount1) = (swapDelta >> 128, int256(int128(swapDelta)));
        (int256 asked, int256 bought) = zeroForOne ? (-amount0, amount1) : (-amount1, amount0);
        if (asked != int256(amountIn)) revert PoolInputMismatch(msg.sender, amountIn, asked);

        manager.sync(tokenIn);
        tokenIn.safeTransfer(msg.sender, amountIn);
        manager.settle();
        if (bought > 0) {
            manager.take(zeroForOne ? key.currency1 : key.currency0, address(this), uint256(bought));
        }
        return "";
    }

    /// @notice Returns the hash of a plan that the operator signs as the witness of its permit.
    function hashPlan(Plan calldata plan) public pure returns (bytes32) {
        return keccak256(abi.encode(plan));
    }

    function _requireRunnable(Plan calldata plan) private view {
        if (block.timestamp > plan.deadline) revert DeadlinePassed(plan.deadline, block.timestamp);
        if (plan.steps.length == 0 || plan.outputs.length == 0) {
            revert PlanEmpty(plan.steps.length, plan.outputs.length);
        }
    }

    function _pullInput(Plan calldata plan, bytes calldata signature, Holding memory input)
        private
    {
        permit2.permitWitnessTransferFrom(
            ISignatureTransfer.PermitTransferFrom({
                permitted: ISignatureTransfer.TokenPermissions({
                    token: plan.tokenIn,
                    amount: plan.amountIn
                }),
                nonce: plan.permitNonce,
                deadline: plan.deadline
            }),
            ISignatureTransfer.SignatureTransferDetails({
                to: address(this),
                requestedAmount: plan.amountIn
            }),
            operator,
            hashPlan(plan),
            WITNESS_TYPE,
            signature
        );
        uint256 received = _balanceOf(input.token, address(this)) - input.strayBalance;
        if (received != plan.amountIn) {
            revert UnexpectedTransferAmount(input.token, plan.amountIn, received);
        }
        input.amount = received;
    }

    function _runStep(uint256 index, Step calldata step, Holding[] memory holdings) private {
        if (step.tokenIn == step.tokenOut) revert SameToken(index, step.tokenIn);
        if (step.pool.code.length == 0) revert NoCode(step.pool);

        Holding memory input = _find(holdings, step.tokenIn);
        uint256 amountIn = step.amountIn == ALL ? input.amount : step.amountIn;
        if (amountIn == 0 || amountIn > input.amount) {
            revert StepInputUnavailable(index, step.tokenIn, input.amount, amountIn);
        }
        Holding memory output = _open(holdings, step.tokenOut);

        if (step.kind == KIND_V2) _swapV2(index, step, amountIn);
        else if (step.kind == KIND_V3) _swapV3(index, step, amountIn);
        else if (step.kind == KIND_V4) _swapV4(index, step, amountIn);
        else if (step.kind == KIND_CURVE) _swapCurve(step, amountIn);
        else if (step.kind == KIND_BALANCER) _swapBalancer(step, amountIn);
        else revert UnknownStepKind(index, step.kind);

        input.amount -= amountIn;
        uint256 expected = input.strayBalance + input.amount;
        uint256 actual = _balanceOf(step.tokenIn, address(this));
        if (actual != expected) revert StepInputMismatch(index, step.tokenIn, expected, actual);

        uint256 before = output.strayBalance + output.amount;
        uint256 afterwards = _balanceOf(step.tokenOut, address(this));
        if (afterwards <= before) revert StepOutputZero(index, step.tokenOut);
        output.amount += afterwards - before;
    }

    /// @dev The output is what the pair's invariant allows for `amountIn`, rounded down; with a fee of
    /// 3000 ppm it is to the unit what the Uniswap V2 router computes with 997 / 1000.
    function _swapV2(uint256 index, Step calldata step, uint256 amountIn) private {
        if (step.feePpm >= PPM_ONE) revert FeeOutOfRange(index, step.feePpm);
        bool zeroForOne = step.tokenIn < step.tokenOut;
        (uint256 reserveIn, uint256 reserveOut,) = IUniswapV2Pair(step.pool).getReserves();
        if (!zeroForOne) (reserveIn, reserveOut) = (reserveOut, reserveIn);

        uint256 keptIn = amountIn * (PPM_ONE - step.feePpm);
        uint256 amountOut = (keptIn * reserveOut) / (reserveIn * PPM_ONE + keptIn);
        if (amountOut == 0) revert StepOutputZero(index, step.tokenOut);

        step.tokenIn.safeTransfer(step.pool, amountIn);
        (uint256 amount0Out, uint256 amount1Out) =
            zeroForOne ? (uint256(0), amountOut) : (amountOut, uint256(0));
        IUniswapV2Pair(step.pool).swap(amount0Out, amount1Out, address(this), "");
    }

    function _swapV3(uint256 index, Step calldata step, uint256 amountIn) private {
        _requireSigned(index, step, amountIn);
        bool zeroForOne = step.tokenIn < step.tokenOut;
        (_activePool, _activeToken, _activeAmount) = (step.pool, step.tokenIn, amountIn);
        IUniswapV3Pool(step.pool).swap(
            address(this),
            zeroForOne,
            int256(amountIn),
            zeroForOne ? MIN_SQRT_PRICE_LIMIT_X96 : MAX_SQRT_PRICE_LIMIT_X96,
            ""
        );
        _activePool = address(0);
    }

    function _swapV4(uint256 index, Step calldata step, uint256 amountIn) private {
        _requireSigned(index, step, amountIn);
        uint256 tickSpacing = uint256(step.detail);
        if (tickSpacing > MAX_TICK_SPACING) revert TickSpacingOutOfRange(index, tickSpacing);
        bool zeroForOne = step.tokenIn < step.tokenOut;
        IPoolManager.PoolKey memory key = IPoolManager.PoolKey({
            currency0: zeroForOne ? step.tokenIn : step.tokenOut,
            currency1: zeroForOne ? step.tokenOut : step.tokenIn,
            fee: step.feePpm,
            tickSpacing: int24(int256(tickSpacing)),
            hooks: address(0)
        });
        (_activeManager, _activeToken, _activeAmount) = (step.pool, step.tokenIn, amountIn);
        IPoolManager(step.pool).unlock(abi.encode(key, zeroForOne));
        _activeManager = address(0);
    }

    /// @dev The pool gets no minimum: the output is measured, and the plan has minimums of its own.
    function _swapCurve(Step calldata step, uint256 amountIn) private {
        uint256 detail = uint256(step.detail);
        (uint8 coinIn, uint8 coinOut) = (uint8(detail), uint8(detail >> 8));
        step.tokenIn.safeApprove(step.pool, amountIn);
        if (detail & CURVE_UINT256 != 0) {
            ICurveCrypto(step.pool).exchange(coinIn, coinOut, amountIn, 0);
        } else {
            ICurveStable(step.pool).exchange(
                int128(uint128(coinIn)), int128(uint128(coinOut)), amountIn, 0
            );
        }
        _endAllowance(step.tokenIn, step.pool);
    }

    function _swapBalancer(Step calldata step, uint256 amountIn) private {
        step.tokenIn.safeApprove(step.pool, amountIn);
        IBalancerVault(step.pool).swap(
            IBalancerVault.SingleSwap({
                poolId: step.detail,
                kind: IBalancerVault.SwapKind.GIVEN_IN,
                assetIn: step.tokenIn,
                assetOut: step.tokenOut,
                amount: amountIn,
                userData: ""
            }),
            IBalancerVault.FundManagement({
                sender: address(this),
                fromInternalBalance: false,
                recipient: payable(address(this)),
                toInternalBalance: false
            }),
            0,
            block.timestamp
        );
        _endAllowance(step.tokenIn, step.pool);
    }

    /// @dev A spender that took what it may has nothing left in most tokens, but not in all.
    function _endAllowance(address token, address spender) private {
        if (IERC20(token).allowance(address(this), spender) != 0) token.safeApprove(spender, 0);
    }

    /// @dev In V3 and V4 the sign tells exact input from exact output.
    function _requireSigned(uint256 index, Step calldata step, uint256 amountIn) private pure {
        if (amountIn > uint256(type(int256).max)) {
            revert StepInputUnavailable(index, step.tokenIn, amountIn, amountIn);
        }
    }

    /// @dev A minimum is never zero, so a token that is listed twice fails the second time.
    function _payOutputs(Output[] calldata outputs, Holding[] memory holdings)
        private
        returns (address[] memory tokens, uint256[] memory amountsOut)
    {
        tokens = new address[](outputs.length);
        amountsOut = new uint256[](outputs.length);
        for (uint256 i = 0; i < outputs.length; ++i) {
            Output calldata output = outputs[i];
            Holding memory holding = _find(holdings, output.token);
            uint256 amount = holding.amount;
            if (output.minOut == 0) revert MinOutZero(output.token);
            if (amount < output.minOut) revert MinOutNotMet(output.token, amount, output.minOut);

            (tokens[i], amountsOut[i], holding.amount) = (output.token, amount, 0);
            _payOperator(output.token, amount);
        }
    }

    function _payOperator(address token, uint256 amount) private {
        uint256 before = _balanceOf(token, operator);
        token.safeTransfer(operator, amount);
        uint256 received = _balanceOf(token, operator) - before;
        if (received != amount) revert UnexpectedTransferAmount(token, amount, received);
    }

    function _requireNothingLeft(Holding[] memory holdings) private pure {
        for (uint256 i = 0; i < holdings.length; ++i) {
            if (holdings[i].amount != 0) {
                revert TokenLeftOver(holdings[i].token, holdings[i].amount);
            }
        }
    }

    /// @dev Finds the holding of a token or begins one; free places are at the end.
    /// There is room: only the plan's input and each step's output begin a holding.
    function _open(Holding[] memory holdings, address token)
        private
        view
        returns (Holding memory holding)
    {
        if (token.code.length == 0) revert NoCode(token);
        uint256 i = 0;
        while (holdings[i].token != token && holdings[i].token != address(0)) ++i;
        holding = holdings[i];
        if (holding.token == address(0)) {
            holding.token = token;
            holding.strayBalance = _balanceOf(token, address(this));
        }
    }

    /// @dev Finds the holding of a token; an empty one stands for a token the plan never had.
    function _find(Holding[] memory holdings, address token)
        private
        pure
        returns (Holding memory holding)
    {
        for (uint256 i = 0; i < holdings.length; ++i) {
            if (holdings[i].token == token) return holdings[i];
        }
    }

    function _balanceOf(address token, address account) private view returns (uint256) {
        return IERC20(token).balanceOf(account);
    }
}
