import CZlib
import Crypto
import Diagnostics
import Storage
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Writes a stream to a new file, leaving runs of zeros as holes, and hashes it on the way.
final class SparseWriter {
    /// The unit in which zeros become holes: a multiple of every file system's block.
    private static let unit = 64 << 10
    private static let bufferSize = 1 << 20

    let path: FilePath
    private let descriptor: FileDescriptor
    private let buffer = AlignedBuffer(count: bufferSize)
    private var filled = 0
    /// Where the buffer's first byte belongs.
    private var start: Int64 = 0
    private var hasher = SHA256()

    private let checksums: Bool
    /// CRC-32 of all bytes so far, as gzip keeps it; 0 when nobody asked for it.
    private(set) var checksum: UInt32 = 0

    /// `checksums` asks for ``checksum``.
    init(creating path: FilePath, checksums: Bool) throws(Failure) {
        self.path = path
        self.checksums = checksums
        do {
            descriptor = try FileDescriptor.open(
                path, .readWrite, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
        } catch { throw .system("creating \(path)", error as? Errno ?? .ioError) }
    }

    deinit { try? descriptor.close() }

    /// How many bytes have come.
    var count: Int64 { start + Int64(filled) }

    /// Enough to tell a disk from what is none: ISO 9660 names itself at 32 KiB (ECMA-119, 8.4).
    static let headSize = ImageSource.headSize
    /// The first ``headSize`` bytes, or as many as have come.
    private(set) var head: [UInt8] = []

    func append(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = rest.prefix(Self.bufferSize - filled)
            if head.count < Self.headSize { head += part.prefix(Self.headSize - head.count) }
            UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[filled..<(filled + part.count)])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: part))
            filled += part.count
            rest = rest.dropFirst(part.count)
            if filled == Self.bufferSize { try flush() }
        }
    }

    /// Adds zeros up to `offset`: an archive may skip holes.
    func skip(to offset: Int64) throws(Failure) {
        guard offset > count else { return }
        let zeros = [UInt8](repeating: 0, count: Self.unit)
        while count < offset {
            var thrown: Failure?
            let length = Int(min(Int64(zeros.count), offset - count))
            zeros.withUnsafeBytes { bytes in
                do throws(Failure) { try append(UnsafeRawBufferPointer(rebasing: bytes[..<length])) } catch {
                    thrown = error
                }
            }
            if let thrown { throw thrown }
        }
    }

    /// Completes the file and returns the SHA-256 of all bytes, in lower-case hex.
    func finish() throws(Failure) -> String {
        try flush()
        do {
            try descriptor.resize(to: start)
            guard fsync(descriptor.rawValue) == 0 else { throw Errno(rawValue: errno) }
        } catch { throw failure(error) }
        return hasher.finalize().hex
    }

    private func flush() throws(Failure) {
        let all = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer.bytes)[..<filled])
        hasher.update(bufferPointer: all)
        if checksums {
            checksum = UInt32(
                truncatingIfNeeded: crc32_z(uLong(checksum), all.bindMemory(to: UInt8.self).baseAddress, all.count))
        }
        var offset = 0
        while offset < filled {
            let part = UnsafeRawBufferPointer(rebasing: all[offset..<min(offset + Self.unit, filled)])
            if !part.isAllZero {
                do { try descriptor.writeAll(toAbsoluteOffset: start + Int64(offset), part) } catch {
                    throw failure(error)
                }
            }
            offset += part.count
        }
        start += Int64(filled)
        filled = 0
    }

    private func failure(_ error: any Error) -> Failure {
        guard error as? Errno == .noSpace else { return .system("writing \(path)", error as? Errno ?? .ioError) }
        return Failure(
            .cacheFull, "no room to unpack the image in \(path.removingLastComponent())",
            hint: "free some space, or name another place in XDG_CACHE_HOME", cause: error)
    }
}

extension Sequence<UInt8> {
    /// Lower-case hex.
    var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
