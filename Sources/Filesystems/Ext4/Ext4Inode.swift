import CExt2fs
import Diagnostics

/// An inode and its number (kernel, Documentation/filesystems/ext4/inodes.rst).
struct Ext4Inode {
    let number: UInt32
    /// The part beyond 128 bytes is zero where the inodes of the file system are not larger.
    var raw: ext2_inode_large

    var format: UInt16 { raw.i_mode & UInt16(LINUX_S_IFMT) }
    var isDirectory: Bool { format == UInt16(LINUX_S_IFDIR) }
    var isFile: Bool { format == UInt16(LINUX_S_IFREG) }
    var isLink: Bool { format == UInt16(LINUX_S_IFLNK) }

    /// The permission bits with set-user-id, set-group-id and sticky.
    var mode: UInt16 {
        get { raw.i_mode & 0o7777 }
        set { raw.i_mode = format | newValue & 0o7777 }
    }

    /// Split into two halves of 16 bits each.
    var user: UInt32 {
        get { UInt32(raw.i_uid) | UInt32(raw.osd2.linux2.l_i_uid_high) << 16 }
        set {
            raw.i_uid = UInt16(truncatingIfNeeded: newValue)
            raw.osd2.linux2.l_i_uid_high = UInt16(truncatingIfNeeded: newValue >> 16)
        }
    }
    var group: UInt32 {
        get { UInt32(raw.i_gid) | UInt32(raw.osd2.linux2.l_i_gid_high) << 16 }
        set {
            raw.i_gid = UInt16(truncatingIfNeeded: newValue)
            raw.osd2.linux2.l_i_gid_high = UInt16(truncatingIfNeeded: newValue >> 16)
        }
    }

    /// In bytes.
    var size: UInt64 { UInt64(raw.i_size) | UInt64(raw.i_size_high) << 32 }

    func has(_ flag: some BinaryInteger) -> Bool { raw.i_flags & UInt32(truncatingIfNeeded: flag) != 0 }

    // MARK: Times

    /// Whether the field that ends at this byte of the extra part is in use.
    private func hasExtra(_ end: UInt16) -> Bool { raw.i_extra_isize >= end }

    /// Seconds since 1970: 32 bits with a sign, and two bits of epoch in the extra part (inodes.rst, "Inode
    /// Timestamps").
    var modified: Int64 {
        let epoch = hasExtra(12) ? Int64(raw.i_mtime_extra & 3) : 0
        return Int64(Int32(bitPattern: raw.i_mtime)) + epoch << 32
    }

    private func encoded(_ time: Int64) -> (seconds: UInt32, extra: UInt32) {
        guard hasExtra(16) else { return (UInt32(clamping: min(time, Int64(Int32.max))), 0) }
        let low = Int64(Int32(truncatingIfNeeded: time))
        return (UInt32(truncatingIfNeeded: low), UInt32(truncatingIfNeeded: (time - low) >> 32) & 3)
    }

    /// Sets the time of the last change of the inode.
    mutating func setChanged(_ time: Int64) {
        let (seconds, extra) = encoded(time)
        raw.i_ctime = seconds
        raw.i_ctime_extra = extra
    }

    /// Sets the times of the last change of inode and contents.
    mutating func setModified(_ time: Int64) {
        let (seconds, extra) = encoded(time)
        raw.i_mtime = seconds
        raw.i_mtime_extra = extra
        setChanged(time)
    }

    /// Sets all times, as for something new.
    mutating func setCreated(_ time: Int64) {
        setModified(time)
        raw.i_atime = raw.i_mtime
        raw.i_atime_extra = raw.i_mtime_extra
        if hasExtra(24) {
            raw.i_crtime = raw.i_mtime
            raw.i_crtime_extra = raw.i_mtime_extra
        }
    }
}

extension Ext4Handle {
    func inode(_ number: UInt32) throws(Failure) -> Ext4Inode {
        var raw = ext2_inode_large()
        let code = withUnsafeMutablePointer(to: &raw) {
            ext2fs_read_inode_full(fs, number, ext2fs_inode($0), Int32(MemoryLayout<ext2_inode_large>.size))
        }
        try check(code, "reading inode \(number)")
        return Ext4Inode(number: number, raw: raw)
    }

    /// Writes the fields that ``Ext4Inode`` knows; what lies behind them (attributes) stays.
    func write(_ inode: Ext4Inode) throws(Failure) {
        var raw = inode.raw
        let code = withUnsafeMutablePointer(to: &raw) {
            ext2fs_write_inode_full(fs, inode.number, ext2fs_inode($0), Int32(MemoryLayout<ext2_inode_large>.size))
        }
        try check(code, "writing inode \(inode.number)")
    }
}
