import Host
import Text
import Diagnostics
import Storage
import SystemPackage

/// The header of a GUID partition table (UEFI specification 2.10, 5.3.2 and 5.3.3), as far as it shows that the table
/// does not fit on its medium.
///
///     0   the signature "EFI PART"      80  how many entries there are
///     48  the last usable block         84  the size of an entry in bytes
///     72  where the entries start       entry: 0 the type GUID, 32 the first block, 40 the last
enum GPTHeader {
    /// Throws `.partitionPastEnd` when a GPT is there whose partitions or usable blocks lie past `size`.
    static func checkFits(_ descriptor: FileDescriptor, path: FilePath, size: Int64) throws(Failure) {
        // The header is in block 1, and blocks are as large as the sectors of the disk that the table was made for.
        for block in [512, 4096] as [Int64] where size >= 2 * block {
            let header = try descriptor.bytes(at: block, count: 92, path)
            guard header.prefix(8).elementsEqual("EFI PART".utf8) else { continue }
            let entrySize = Int(header.u32(84))
            let start = header.u64(72).multipliedReportingOverflow(by: UInt64(block))
            if (128...4096).contains(entrySize), !start.overflow {
                for index in 0..<min(Int(header.u32(80)), 128) {
                    let offset = start.partialValue.addingReportingOverflow(UInt64(index * entrySize))
                    guard !offset.overflow, offset.partialValue < UInt64(size),
                        UInt64(size) - offset.partialValue >= UInt64(entrySize)
                    else { break }
                    let entry = try descriptor.bytes(at: Int64(offset.partialValue), count: 48, path)
                    let last = entry.u64(40)
                    guard entry.prefix(16).contains(where: { $0 != 0 }), last >= UInt64(size / block) else { continue }
                    throw PartitionTable.pastEnd(
                        path, number: index + 1, lastSector: "\(last)", end: end(ofBlock: last, block), size: size)
                }
            }
            let last = header.u64(48)
            guard last >= UInt64(size / block) else { return }
            throw Failure(
                .partitionPastEnd,
                "\(path): its partition table is for \(formatBytes(end(ofBlock: last, block))) or more, "
                    + "but there are only \(formatBytes(size))",
                hint: "the image is truncated: unpack or download it again")
        }
    }

    private static func end(ofBlock number: UInt64, _ block: Int64) -> Int64 {
        let end = Int64(clamping: number).addingReportingOverflow(1)
        let bytes = end.partialValue.multipliedReportingOverflow(by: block)
        return end.overflow || bytes.overflow ? .max : bytes.partialValue
    }
}

extension FileDescriptor {
    /// Exactly `count` bytes; fewer are an error.
    fileprivate func bytes(at offset: Int64, count: Int, _ path: FilePath) throws(Failure) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: count)
        do {
            let read = try result.withUnsafeMutableBytes { try self.readAll(into: $0, at: offset) }
            guard read == count else { throw Errno.ioError }
        } catch {
            throw .system("reading \(path)", error as? Errno ?? .ioError)
        }
        return result
    }
}
