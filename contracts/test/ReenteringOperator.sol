// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

import {RouteExecutor} from "../src/RouteExecutor.sol";

/// @title An operator contract that is also a pool of its own plan and calls execute from inside.
/// @dev Signs everything (ERC-1271), so that only the executor's guard stands in its way.
contract ReenteringOperator {
    RouteExecutor.Plan private _inner;
    RouteExecutor public executor;

    constructor(address permit2) {
        executor = new RouteExecutor(address(this), permit2);
    }

    function setInnerPlan(RouteExecutor.Plan calldata plan) external {
        _inner.deadline = plan.deadline;
        for (uint256 i = 0; i < plan.steps.length; ++i) _inner.steps.push(plan.steps[i]);
        for (uint256 i = 0; i < plan.outputs.length; ++i) _inner.outputs.push(plan.outputs[i]);
    }

    function call(address target, bytes calldata callData) external {
        (bool success, bytes memory answer) = target.call(callData);
        if (!success) {
            assembly {
                revert(add(answer, 32), mload(answer))
            }
        }
    }

    function run(RouteExecutor.Plan[] calldata plans) external {
        for (uint256 i = 0; i < plans.length; ++i) executor.execute(plans[i], "");
    }

    function swap(address, bool, int256, uint160, bytes calldata)
        external
        returns (int256, int256)
    {
        executor.execute(_inner, "");
        return (0, 0);
    }

    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return 0x1626ba7e;
    }
}
