// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

/// @title What this project uses of Permit2: one signed transfer bound to a witness.
interface ISignatureTransfer {
    /// @param amount Most that may be taken, in token base units.
    struct TokenPermissions {
        address token;
        uint256 amount;
    }

    /// @param nonce Unordered nonce of the token owner; spent for ever by its first use.
    /// @param deadline Last valid block time, Unix seconds.
    struct PermitTransferFrom {
        TokenPermissions permitted;
        uint256 nonce;
        uint256 deadline;
    }

    /// @param requestedAmount Token base units to move now.
    struct SignatureTransferDetails {
        address to;
        uint256 requestedAmount;
    }

    /// @notice Moves tokens of `owner` if `owner` signed the permit, the caller and the witness.
    function permitWitnessTransferFrom(
        PermitTransferFrom calldata permit,
        SignatureTransferDetails calldata transferDetails,
        address owner,
        bytes32 witness,
        string calldata witnessTypeString,
        bytes calldata signature
    ) external;
}
