import CExt2fs
import Diagnostics

extension Ext4Handle {
    /// The largest file that is read into memory, in bytes: a damaged inode can have any size.
    private static let mostBytes: UInt64 = 1 << 30

    /// The bytes of a file or a link.
    func contents(of inode: Ext4Inode) throws(Failure) -> [UInt8] {
        guard !inode.has(EXT4_ENCRYPT_FL) else { throw encrypted("inode \(inode.number)") }
        guard inode.size <= Self.mostBytes else {
            throw Failure(.damagedFilesystem, "\(name): a file of \(inode.size) bytes is too large to be read")
        }
        if let target = fastTarget(of: inode) { return target }
        return try withFile(inode.number, 0) { file throws(Failure) in
            // What lies beyond the last block, or the inline data, reads as zero.
            var result = [UInt8](repeating: 0, count: Int(inode.size))
            var done = 0
            while done < result.count {
                var got: UInt32 = 0
                let count = result.count - done
                let code = result.withUnsafeMutableBytes {
                    // No larger reads: libext2fs counts in 32 bits.
                    ext2fs_file_read(file, $0.baseAddress.map { $0 + done }, UInt32(min(count, 1 << 24)), &got)
                }
                try check(code, "reading inode \(inode.number)")
                if got == 0 { break }
                done += Int(got)
            }
            return result
        }
    }

    /// The target of a link that is kept in place of the block numbers.
    private func fastTarget(of inode: Ext4Inode) -> [UInt8]? {
        guard inode.isLink, !inode.has(EXT4_INLINE_DATA_FL) else { return nil }
        var raw = inode.raw
        let isFast = withUnsafeMutablePointer(to: &raw) { ext2fs_inode_has_valid_blocks2(fs, ext2fs_inode($0)) == 0 }
        guard isFast else { return nil }
        return withUnsafeBytes(of: raw.i_block) { Array($0.prefix(Int(inode.size))) }
    }

    /// Writes the contents of a file that has none yet.
    func write(_ contents: [UInt8], to number: UInt32, path: String) throws(Failure) {
        guard !contents.isEmpty else { return }
        try withFile(number, EXT2_FILE_WRITE) { file throws(Failure) in
            var done = 0
            while done < contents.count {
                var written: UInt32 = 0
                let count = contents.count - done
                let code = contents.withUnsafeBytes {
                    ext2fs_file_write(file, $0.baseAddress.map { $0 + done }, UInt32(min(count, 1 << 24)), &written)
                }
                try check(code, "writing \(path)")
                done += Int(written)
            }
        }
    }

    private func withFile<Value>(
        _ number: UInt32, _ flags: Int32, _ body: (ext2_file_t) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        var opened: ext2_file_t?
        try check(ext2fs_file_open(fs, number, flags, &opened), "opening inode \(number)")
        guard let file = opened else { throw Failure(.system, "\(name): libext2fs has no memory") }
        let value: Value
        do throws(Failure) { value = try body(file) } catch {
            _ = ext2fs_file_close(file)
            // A failure to close is a consequence.
            _ = channel.takeFailure()
            throw error
        }
        // Writes the last block.
        try check(ext2fs_file_close(file), "writing inode \(number)")
        return value
    }
}
