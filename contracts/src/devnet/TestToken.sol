// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

/// @title A plain ERC-20 for the local devnet.
/// @notice The owner mints without limit. Never meant for a public chain.
contract TestToken {
    /// @notice Emitted by every transfer; a mint comes from the zero address.
    /// @param value Token base units.
    event Transfer(address indexed from, address indexed to, uint256 value);

    /// @notice Emitted when an allowance is set by its owner.
    /// @param value Token base units.
    event Approval(address indexed owner, address indexed spender, uint256 value);

    error InsufficientAllowance(address owner, address spender, uint256 available, uint256 amount);
    error InsufficientBalance(address account, uint256 available, uint256 amount);
    error InvalidReceiver(address receiver);
    error NotOwner(address caller);

    string public name;
    string public symbol;
    uint8 public immutable decimals;

    /// @notice The only account that may mint.
    address public immutable owner;

    /// @notice All tokens in existence, in base units.
    uint256 public totalSupply;

    mapping(address account => uint256 balance) public balanceOf;
    mapping(address account => mapping(address spender => uint256 amount)) public allowance;

    constructor(string memory name_, string memory symbol_, uint8 decimals_, address owner_) {
        name = name_;
        symbol = symbol_;
        decimals = decimals_;
        owner = owner_;
    }

    /// @notice Creates `amount` base units for `account`.
    function mint(address account, uint256 amount) external {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        if (account == address(0)) revert InvalidReceiver(account);
        totalSupply += amount;
        unchecked {
            balanceOf[account] += amount; // Cannot overflow: no balance exceeds totalSupply.
        }
        emit Transfer(address(0), account, amount);
    }

    /// @notice Lets `spender` move up to `amount` base units; the maximum value never runs out.
    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
        return true;
    }

    /// @notice Moves `amount` base units from the caller to `to`.
    function transfer(address to, uint256 amount) external returns (bool) {
        _move(msg.sender, to, amount);
        return true;
    }

    /// @notice Moves `amount` base units from `from` to `to` and consumes the caller's allowance.
    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        uint256 available = allowance[from][msg.sender];
        if (available != type(uint256).max) {
            if (available < amount) {
                revert InsufficientAllowance(from, msg.sender, available, amount);
            }
            unchecked {
                allowance[from][msg.sender] = available - amount; // Cannot underflow: checked above.
            }
        }
        _move(from, to, amount);
        return true;
    }

    function _move(address from, address to, uint256 amount) internal virtual {
        if (to == address(0)) revert InvalidReceiver(to);
        uint256 available = balanceOf[from];
        if (available < amount) revert InsufficientBalance(from, available, amount);
        unchecked {
            balanceOf[from] = available - amount; // Cannot underflow: checked above.
            balanceOf[to] += amount; // Cannot overflow: no balance exceeds totalSupply.
        }
        emit Transfer(from, to, amount);
    }
}
