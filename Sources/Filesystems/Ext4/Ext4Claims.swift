import CExt2fs
import Diagnostics

/// Which blocks the inodes of a file system use, collected while they are scanned.
///
/// An edit takes blocks and inodes that the bitmaps call free, and frees what a replaced file has. Both destroy files
/// where the bitmaps are wrong about a block, or two files share one.
final class Ext4Claims {
    private let handle: Ext4Handle
    private let structures: Ext4Structures
    private let blocks: Range<UInt64>
    private let clusterBits: UInt64
    /// One bit for each cluster that is in use (a block, without bigalloc).
    private var bits: [UInt64]
    /// The inode whose blocks are being collected, and its clusters: with bigalloc, several of its blocks are in one.
    private var inode: UInt32 = 0
    private var own: Set<UInt64> = []
    /// How many inodes name a block of attributes: it may be shared, and counts for how many.
    private var attributes: [UInt64: UInt32] = [:]
    private(set) var problem: String?

    /// The bitmaps of `handle` must have been read.
    init(of handle: Ext4Handle) throws(Failure) {
        self.handle = handle
        structures = try Ext4Structures(of: handle)
        let end = ext2fs_blocks_count(handle.fs.pointee.super)
        blocks = UInt64(handle.superblock.s_first_data_block)..<end
        clusterBits = UInt64(handle.fs.pointee.cluster_ratio_bits)
        bits = [UInt64](repeating: 0, count: Int((end >> clusterBits) / 64) + 1)
    }

    /// Collects the blocks of an inode, those of its extent tree or its indirect blocks included. Afterwards, ``problem``
    /// says if one of them cannot be its.
    func add(_ number: UInt32, _ raw: UnsafeMutablePointer<ext2_inode>) throws(Failure) {
        inode = number
        if clusterBits > 0 { own.removeAll(keepingCapacity: true) }
        let attributeBlock = ext2fs_file_acl_block(handle.fs, raw)
        if attributeBlock != 0 {
            if let count = attributes[attributeBlock] {
                attributes[attributeBlock] = count + 1
            } else {
                guard take(attributeBlock) else { return }
                attributes[attributeBlock] = 1
            }
        }
        guard ext2fs_inode_has_valid_blocks2(handle.fs, raw) != 0 else { return }
        let code = ext2fs_block_iterate3(
            handle.fs, number, BLOCK_FLAG_READ_ONLY, nil,
            { _, block, _, _, _, context in
                guard let block = block?.pointee, let context else { return BLOCK_ABORT }
                return Unmanaged<Ext4Claims>.fromOpaque(context).takeUnretainedValue().take(block) ? 0 : BLOCK_ABORT
            }, Unmanaged.passUnretained(self).toOpaque())
        guard problem == nil else { return }
        try handle.check(code, "reading the blocks of inode \(number)")
    }

    private func take(_ block: UInt64) -> Bool {
        guard blocks.contains(block) else { return fails("block \(block), which lies outside of it") }
        guard ext2fs_test_generic_bmap(handle.fs.pointee.block_map, block) != 0 else {
            return fails("block \(block), which its block bitmap calls free")
        }
        if structures.contains(block) {
            // The blocks reserved for more group descriptors belong to this inode.
            return inode == UInt32(EXT2_RESIZE_INO) || fails("block \(block), which the file system uses itself")
        }
        let cluster = block >> clusterBits
        let (word, bit) = (Int(cluster / 64), UInt64(1) << (cluster % 64))
        if bits[word] & bit != 0 {
            return own.contains(cluster) || fails("block \(block), which belongs to another file or twice to this one")
        }
        bits[word] |= bit
        if clusterBits > 0 { own.insert(cluster) }
        return true
    }

    private func fails(_ what: String) -> Bool {
        problem = problem ?? "inode \(inode) uses \(what)"
        return false
    }

    /// Throws unless each block of attributes counts the inodes that name it (h_refcount, at byte 4 of the block: kernel,
    /// Documentation/filesystems/ext4/attributes.rst): it is freed with the last that is counted.
    func checkAttributes() throws(Failure) {
        var buffer = [UInt8](repeating: 0, count: Int(handle.fs.pointee.blocksize))
        for (block, count) in attributes.sorted(by: { $0.key < $1.key }) {
            let code = buffer.withUnsafeMutableBytes { ext2fs_read_ext_attr3(handle.fs, block, $0.baseAddress, 0) }
            // The checksum belongs to the block and not to an inode; a wrong one matters when the block is changed.
            try handle.check(code, "reading the attributes in block \(block)")
            let noted = buffer.withUnsafeBytes {
                UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            }
            guard noted == count else {
                throw handle.damaged("\(count) inodes use the attributes in block \(block), which counts \(noted)")
            }
        }
    }
}

extension Ext4Handle {
    /// How many blocks of an inode table one read has: a card answers few large reads sooner.
    private static let blocksAtOnce: Int32 = 64

    /// Reads all inodes, and throws `.damagedFilesystem` unless each is marked as used if and only if it is in use, and each
    /// of its blocks lies in the file system, is marked as used, and belongs to nothing else.
    ///
    /// The bitmaps must have been read. Parts of the inode tables that were never used are not read, as far as the group
    /// descriptors tell (uninit_bg, metadata_csum).
    func checkClaims() throws(Failure) {
        let claims = try Ext4Claims(of: self)
        // First, and within the bounds of what exists: libext2fs reads this list when a scan begins.
        var raw = try inode(UInt32(EXT2_BAD_INO)).raw
        try withInode(&raw) { raw throws(Failure) in try claims.add(UInt32(EXT2_BAD_INO), raw) }
        if let problem = claims.problem { throw damaged(problem) }
        var opened: ext2_inode_scan?
        try check(ext2fs_open_inode_scan(fs, Self.blocksAtOnce, &opened), "reading its inodes")
        guard let scan = opened else { throw Failure(.system, "\(name): libext2fs has no memory") }
        defer { ext2fs_close_inode_scan(scan) }
        var directories = [UInt32](repeating: 0, count: groups.count)
        while true {
            var number: UInt32 = 0
            var code: errcode_t = 0
            withUnsafeMutablePointer(to: &raw) {
                code = ext2fs_get_next_inode_full(
                    scan, &number, ext2fs_inode($0), Int32(MemoryLayout<ext2_inode_large>.size))
            }
            if code == 0, number == 0 { break }
            let isMarked =
                number != 0 && ext2fs_test_generic_bmap(fs.pointee.inode_map, UInt64(number)) != 0
            // What is not in use may hold anything.
            if code == EXT2_ET_INODE_CSUM_INVALID, !isMarked, !channel.hasFailure { continue }
            try check(code, "reading inode \(number)")
            guard number != UInt32(EXT2_BAD_INO) else { continue }
            let isReserved =
                number < superblock.s_first_ino && superblock.s_rev_level > 0
                || number < UInt32(EXT2_GOOD_OLD_FIRST_INO)
            let isUsed = raw.i_links_count > 0
            if !isReserved, isUsed != isMarked {
                throw damaged("inode \(number) is \(isUsed ? "in use, but called free" : "free, but called used")")
            }
            guard isUsed || isReserved else { continue }
            if raw.i_mode & UInt16(LINUX_S_IFMT) == UInt16(LINUX_S_IFDIR), isUsed {
                directories[Int((number - 1) / superblock.s_inodes_per_group)] += 1
            }
            try withInode(&raw) { raw throws(Failure) in try claims.add(number, raw) }
            if let problem = claims.problem { throw damaged(problem) }
        }
        for group in groups where directories[Int(group)] != ext2fs_bg_used_dirs_count(fs, group) {
            throw damaged(
                "group \(group) has \(directories[Int(group)]) directories, but its descriptor says otherwise")
        }
        try claims.checkAttributes()
    }

    /// Throws unless a file of several names has as many as it counts: it would lose its last one, or its blocks, too soon.
    /// Reads all directories, which is needed for few files.
    func checkNames(of file: Ext4Inode) throws(Failure) {
        var opened: ext2_inode_scan?
        try check(ext2fs_open_inode_scan(fs, Self.blocksAtOnce, &opened), "reading its inodes")
        guard let scan = opened else { throw Failure(.system, "\(name): libext2fs has no memory") }
        defer { ext2fs_close_inode_scan(scan) }
        var search = (wanted: file.number, count: 0)
        var raw = ext2_inode()
        while true {
            var number: UInt32 = 0
            let code = ext2fs_get_next_inode(scan, &number, &raw)
            if code == 0, number == 0 { break }
            if code == EXT2_ET_INODE_CSUM_INVALID, !channel.hasFailure { continue }
            try check(code, "reading inode \(number)")
            guard raw.i_links_count > 0, raw.i_mode & UInt16(LINUX_S_IFMT) == UInt16(LINUX_S_IFDIR) else { continue }
            let iterated = withUnsafeMutablePointer(to: &search) { search in
                ext2fs_dir_iterate(
                    fs, number, 0, nil,
                    { entry, _, _, _, context in
                        guard let entry, let context else { return DIRENT_ABORT }
                        let search = context.assumingMemoryBound(to: (wanted: UInt32, count: Int).self)
                        if entry.pointee.inode == search.pointee.wanted { search.pointee.count += 1 }
                        return 0
                    }, search)
            }
            try check(iterated, "reading the directory with inode \(number)")
        }
        guard search.count == Int(file.raw.i_links_count) else {
            throw damaged("inode \(file.number) counts \(file.raw.i_links_count) names and has \(search.count)")
        }
    }

    private func withInode(
        _ raw: inout ext2_inode_large, _ body: (UnsafeMutablePointer<ext2_inode>) throws(Failure) -> Void
    ) throws(Failure) {
        var thrown: Failure?
        withUnsafeMutablePointer(to: &raw) { pointer in
            guard let inode = ext2fs_inode(pointer) else { return }
            do throws(Failure) { try body(inode) } catch { thrown = error }
        }
        if let thrown { throw thrown }
    }
}
