import CExt2fs

#if canImport(Glibc)
    import Glibc
#endif

extension Ext4Channel {
    /// The table of functions that libext2fs calls.
    ///
    /// `nonisolated(unsafe)`, since a C pointer is never Sendable, and safe here: Swift runs the initializer of a static once
    /// and before any reader (it holds a lock), the table is filled there, and neither we nor libext2fs, which takes it for
    /// constant (it is shared by all its file systems), write to it again. What belongs to one volume is in its channel.
    /// It lives as long as the process, as libext2fs expects of an io_manager.
    nonisolated(unsafe) static let manager: io_manager = {
        let manager = io_manager.allocate(capacity: 1)
        manager.initialize(to: struct_io_manager())
        manager.pointee.magic = EXT2_ET_MAGIC_IO_MANAGER
        manager.pointee.name = UnsafePointer(strdup("piflash block store"))
        manager.pointee.open = { name, _, result in Ext4Channel.open(name, result) }
        manager.pointee.close = { Ext4Channel.close($0) }
        manager.pointee.set_blksize = { channel, size in
            channel?.pointee.block_size = size
            return 0
        }
        manager.pointee.read_blk = { channel, block, count, data in
            Ext4Channel.read(channel, UInt64(block), count, data)
        }
        manager.pointee.read_blk64 = { channel, block, count, data in Ext4Channel.read(channel, block, count, data) }
        manager.pointee.write_blk = { channel, block, count, data in
            Ext4Channel.write(channel, UInt64(block), count, data)
        }
        manager.pointee.write_blk64 = { channel, block, count, data in Ext4Channel.write(channel, block, count, data) }
        manager.pointee.write_byte = { channel, offset, count, data in
            guard let (this, _) = Ext4Channel.of(channel), let data else { return EXT2_ET_BAD_MAGIC }
            return this.write(ByteSpan(byte: offset, count: count), from: data)
        }
        manager.pointee.flush = { channel in Ext4Channel.of(channel)?.0.synchronize() ?? EXT2_ET_BAD_MAGIC }
        // Without it ext2fs_zero_blocks2 (lib/ext2fs/mkjournal.c) fills a static buffer that all threads share.
        manager.pointee.zeroout = { channel, block, count in
            guard let (this, size) = Ext4Channel.of(channel), let count = Int64(exactly: count) else {
                return EXT2_ET_BAD_MAGIC
            }
            return this.writeZeroes(ByteSpan(block: block, count: count, blockSize: size))
        }
        // No discard: what is free may keep its old bytes. No get_stats: with it, closing a file system that nobody
        // changed would write the superblock to count what was written. No cache: a store is quick enough.
        return manager
    }()

    private static func open(
        _ name: UnsafePointer<CChar>?, _ result: UnsafeMutablePointer<io_channel?>?
    ) -> errcode_t {
        guard let name, let result, let this = registered(String(cString: name)) else { return EXT2_ET_BAD_DEVICE_NAME }
        let channel = io_channel.allocate(capacity: 1)
        channel.initialize(to: struct_io_channel())
        channel.pointee.magic = EXT2_ET_MAGIC_IO_CHANNEL
        channel.pointee.manager = manager
        channel.pointee.name = strdup(name)
        channel.pointee.block_size = 1024
        channel.pointee.refcount = 1
        // Given back in `close`.
        channel.pointee.private_data = Unmanaged.passRetained(this).toOpaque()
        result.pointee = channel
        return 0
    }

    private static func close(_ channel: io_channel?) -> errcode_t {
        guard let channel, let opaque = channel.pointee.private_data else { return EXT2_ET_BAD_MAGIC }
        channel.pointee.refcount -= 1
        guard channel.pointee.refcount == 0 else { return 0 }
        Unmanaged<Ext4Channel>.fromOpaque(opaque).release()
        free(channel.pointee.name)
        channel.deinitialize(count: 1)
        channel.deallocate()
        return 0
    }

    /// The channel behind a C one, and its current block size.
    private static func of(_ channel: io_channel?) -> (Ext4Channel, Int32)? {
        guard let channel, let opaque = channel.pointee.private_data else { return nil }
        return (Unmanaged<Ext4Channel>.fromOpaque(opaque).takeUnretainedValue(), channel.pointee.block_size)
    }

    private static func read(
        _ channel: io_channel?, _ block: UInt64, _ count: Int32, _ data: UnsafeMutableRawPointer?
    ) -> errcode_t {
        guard let (this, size) = of(channel), let data else { return EXT2_ET_BAD_MAGIC }
        return this.read(ByteSpan(block: block, count: Int64(count), blockSize: size), into: data)
    }

    private static func write(
        _ channel: io_channel?, _ block: UInt64, _ count: Int32, _ data: UnsafeRawPointer?
    ) -> errcode_t {
        guard let (this, size) = of(channel), let data else { return EXT2_ET_BAD_MAGIC }
        return this.write(ByteSpan(block: block, count: Int64(count), blockSize: size), from: data)
    }
}
