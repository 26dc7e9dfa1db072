// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

/// @title A token whose transfer misbehaves in one chosen way; transferFrom is always honest.
contract LyingToken {
    enum Mode {
        Honest,
        ReturnFalse,
        ReturnFalseButMove,
        ReturnTwo,
        ReturnShort,
        MoveNothing,
        ChargeSenderMore,
        Revert,
        RevertWithNothing,
        RevertWithTrue
    }

    error TransferRefused(address from, address to, uint256 amount);

    /// @notice Only transfers out of this account misbehave.
    address public victim;
    Mode public mode;
    mapping(address account => uint256 balance) public balanceOf;
    mapping(address account => mapping(address spender => uint256 amount)) public allowance;

    function setMode(Mode mode_, address victim_) external {
        (mode, victim) = (mode_, victim_);
    }

    function mint(address account, uint256 amount) external {
        balanceOf[account] += amount;
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        if (mode == Mode.ReturnFalse && msg.sender == victim) return false;
        allowance[msg.sender][spender] = amount;
        return true;
    }

    /// @notice Moves tokens without asking anybody.
    function take(address from, uint256 amount) external {
        _move(from, msg.sender, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
        return true;
    }

    function transfer(address to, uint256 amount) external {
        Mode chosen = msg.sender == victim ? mode : Mode.Honest;
        if (chosen == Mode.Revert) revert TransferRefused(msg.sender, to, amount);
        if (chosen == Mode.RevertWithNothing) revert();
        if (chosen == Mode.RevertWithTrue) {
            assembly {
                mstore(0, 1)
                revert(0, 32)
            }
        }
        if (chosen != Mode.ReturnFalse && chosen != Mode.MoveNothing) _move(msg.sender, to, amount);
        if (chosen == Mode.ChargeSenderMore) balanceOf[msg.sender] -= 1;

        uint256 answer = 1;
        if (chosen == Mode.ReturnFalse || chosen == Mode.ReturnFalseButMove) answer = 0;
        if (chosen == Mode.ReturnTwo) answer = 2;
        uint256 length = chosen == Mode.ReturnShort ? 31 : 32;
        assembly {
            mstore(0, answer)
            return(0, length)
        }
    }

    function _move(address from, address to, uint256 amount) private {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}
