import CExt2fs
import Text
package import Diagnostics
package import Storage

extension Ext4Volume {
    /// Carries what was edited over an overlay to the medium, so that a power cut cannot leave a volume that looks sound
    /// and is not:
    ///
    ///  1. the superblock says that the volume is not clean, so that the next system that mounts it checks it first;
    ///  2. all that was changed except the superblock;
    ///  3. the superblock as it must be, clean.
    ///
    /// `range` is where the volume lies, in bytes, in the overlay and in `target`. What changed outside of it is not
    /// carried.
    package static func commit(
        _ overlay: Overlay, volumeAt range: Range<Int64>, to target: some WritableBlockStore
    ) throws(Failure) {
        let superblock = (range.lowerBound + Self.superblockOffset)..<(range.lowerBound + 2 * Self.superblockOffset)
        let changes = overlay.changes.clamped(to: range)
        guard !changes.isEmpty else { return }
        // Before anything is written: the overlay may be over the target, and read from it what no change has touched.
        let new = try overlay.bytes(at: superblock.lowerBound, count: superblock.count)
        let old = try target.bytes(at: superblock.lowerBound, count: superblock.count)
        try carry([(superblock.lowerBound, unclean(old))], to: target)
        var parts: [(offset: Int64, bytes: [UInt8])] = []
        for part in changes.subtracting(ByteRanges([superblock])).ranges {
            parts.append((part.lowerBound, try overlay.bytes(at: part.lowerBound, count: part.count)))
        }
        try carry(parts, to: target)
        try carry([(superblock.lowerBound, new)], to: target)
    }

    /// In bytes; the superblock is as long as what lies before it (kernel, ext4/super.rst).
    private static let superblockOffset: Int64 = 1024

    /// Whole blocks of 4 KiB are written, read again for each step.
    private static func carry(
        _ parts: [(offset: Int64, bytes: [UInt8])], to target: some WritableBlockStore
    ) throws(Failure) {
        let layer = Overlay(over: target)
        for part in parts { try layer.write(part.bytes, at: part.offset) }
        try layer.commit(to: target)
    }

    /// s_state at 0x3A loses EXT2_VALID_FS; s_checksum at 0x3FC is the CRC32C of all bytes before it, where the feature
    /// metadata_csum (in s_feature_ro_compat at 0x64) says so (kernel, ext4/super.rst).
    private static func unclean(_ superblock: [UInt8]) -> [UInt8] {
        var bytes = superblock
        bytes[0x3A] &= ~UInt8(EXT2_VALID_FS)
        if bytes.u32(0x64) & UInt32(EXT4_FEATURE_RO_COMPAT_METADATA_CSUM) != 0 {
            let sum = ext2fs_crc32c_le(~0, bytes, 0x3FC)
            bytes.set(sum, at: 0x3FC)
        }
        return bytes
    }
}
