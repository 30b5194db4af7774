import Text

/// Checksums that formats demand: an input would have to guess them, and the fuzzer would never come past them.
enum Checksums {
    /// CRC-32 of IEEE 802.3, reflected, as GPT, gzip, zip and xz have it.
    static func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 { ~crc(bytes, table: ieee, from: ~0) }

    /// CRC-32C, reflected and not inverted at the end, as ext4 has it.
    static func crc32c(_ bytes: some Sequence<UInt8>, from start: UInt32 = ~0) -> UInt32 {
        crc(bytes, table: castagnoli, from: start)
    }

    private static func crc(_ bytes: some Sequence<UInt8>, table: [UInt32], from start: UInt32) -> UInt32 {
        bytes.reduce(start) { sum, byte in sum >> 8 ^ table[Int((sum ^ UInt32(byte)) & 0xFF)] }
    }

    private static let ieee = table(0xEDB8_8320)
    private static let castagnoli = table(0x82F6_3B78)

    private static func table(_ polynomial: UInt32) -> [UInt32] {
        (0..<256).map { index in
            (0..<8).reduce(UInt32(index)) { sum, _ in sum & 1 == 0 ? sum >> 1 : sum >> 1 ^ polynomial }
        }
    }

    /// The .xz File Format 1.1.0, 2.1.1, 2.1.2, 3.1.7, 4.4: the header of the stream, the first block's, the index, the
    /// footer.
    static func repairXZ(_ bytes: inout [UInt8]) {
        guard bytes.count >= 32 else { return }
        bytes.set(crc32(bytes[6..<8]), at: 8)
        let header = (Int(bytes[12]) + 1) * 4
        if bytes[12] != 0, 12 + header <= bytes.count {
            bytes.set(crc32(bytes[12..<12 + header - 4]), at: 12 + header - 4)
        }
        let end = bytes.count - 12
        bytes.set(crc32(bytes[end + 4..<end + 10]), at: end)
        let index = (Int(bytes.u32(end + 4)) + 1) * 4
        if index <= end - 12, index >= 8 {
            bytes.set(crc32(bytes[end - index..<end - 4]), at: end - 4)
        }
    }

    /// UEFI 2.10, 5.3.2: the entries' checksum at 88 of the header, the header's own at 16.
    static func repairGPT(_ disk: inout [UInt8]) {
        guard disk.count >= 34 * 512, disk[512...].starts(with: Array("EFI PART".utf8)) else { return }
        let count = Int(disk.u32(512 + 80))
        let size = Int(disk.u32(512 + 84))
        let start = Int(disk.u32(512 + 72)) * 512
        let (length, overflow) = count.multipliedReportingOverflow(by: size)
        if !overflow, start + length <= disk.count {
            disk.set(crc32(disk[start..<start + length]), at: 512 + 88)
        }
        let header = min(max(Int(disk.u32(512 + 12)), 92), 512)
        disk.set(UInt32(0), at: 512 + 16)
        disk.set(crc32(disk[512..<512 + header]), at: 512 + 16)
    }

    /// Kernel, ext4/super.rst and ext4/group_descr.rst, for file systems with metadata_csum: the superblock's at 0x3FC, and
    /// those of the descriptors, which lie in the next block.
    static func repairExt4(_ disk: inout [UInt8]) {
        let start = 1024
        guard disk.count >= 8192, disk.u32(start + 0x64) & 0x400 != 0 else { return }
        let seed =
            disk.u32(start + 0x60) & 0x2000 != 0
            ? disk.u32(start + 0x270) : crc32c(disk[(start + 0x68)..<(start + 0x78)])
        let wide = disk.u32(start + 0x60) & 0x80 != 0
        let size = wide ? max(32, Int(disk.u16(start + 0xFE))) : 32
        let block = 1024 << min(Int(disk.u32(start + 0x18)), 6)
        let table = block == 1024 ? 2048 : block
        for group in 0..<4 where size >= 32 && table + (group + 1) * size <= disk.count {
            let place = table + group * size
            guard disk[place..<place + size].contains(where: { $0 != 0 }) else { break }
            disk.set(UInt16(0), at: place + 0x1E)
            let number = (0..<4).map { UInt8(truncatingIfNeeded: group >> (8 * $0)) }
            let sum = crc32c(disk[place..<place + size], from: crc32c(number, from: seed))
            disk.set(UInt16(truncatingIfNeeded: sum), at: place + 0x1E)
        }
        disk.set(crc32c(disk[start..<start + 0x3FC]), at: start + 0x3FC)
    }
}
