package import Diagnostics
import Glibc
import Storage
import Synchronization
package import SystemPackage

/// Bytes in memory as a store, which keeps the order of what was written and can be made to fail.
package final class MemoryStore: WritableBlockStore {
    package let size: Int64
    package let name: String
    private let pages: Mutex<Contents>
    private let order = Mutex<[Range<Int64>?]>([])
    private let failure = Mutex<(writes: Int, failsAt: Int?)>((0, nil))

    package convenience init(_ bytes: [UInt8], name: String = "memory") { self.init(Contents(bytes), name: name) }

    package init(_ contents: Contents, name: String = "memory") {
        size = Int64(contents.count)
        self.name = name
        pages = Mutex(contents)
    }

    /// What is in the store now. Later writes do not change it, and copy only what they touch.
    package var contents: Contents { pages.withLock { $0 } }

    package var allBytes: [UInt8] { contents.bytes }

    /// The ranges written, in order; nil stands for a synchronize.
    package var log: [Range<Int64>?] { order.withLock { $0 } }

    /// The write with this number (from 0, counted from now on) and all later ones fail.
    package func fail(atWrite number: Int?) { failure.withLock { $0 = (0, number) } }

    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        try checkBounds(offset: offset, count: buffer.count)
        pages.withLock { $0.read(into: buffer, at: Int(offset)) }
    }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        try checkBounds(offset: offset, count: bytes.count)
        let fails = failure.withLock { state in
            defer { state.writes += 1 }
            return state.failsAt.map { state.writes >= $0 } ?? false
        }
        if fails { throw Failure(.system, "\(name): injected write failure") }
        order.withLock { $0.append(offset..<(offset + Int64(bytes.count))) }
        pages.withLock { $0.write(bytes, at: Int(offset)) }
    }

    package func synchronize() throws(Failure) { order.withLock { $0.append(nil) } }

    /// The bytes of a store, as pages that copies share until one is written.
    package struct Contents: Sendable, Equatable, CustomStringConvertible {
        private static let pageSize = 64 << 10
        private static let zeros = [UInt8](repeating: 0, count: pageSize)

        private static func isZeros(_ page: UnsafeRawBufferPointer) -> Bool {
            zeros.withUnsafeBytes { $0.hasSameBytes(as: page) }
        }

        package let count: Int
        /// The last one may be shorter. All that hold only zeros are one.
        private var pages: [[UInt8]]

        package init(_ bytes: [UInt8]) {
            count = bytes.count
            pages = bytes.withUnsafeBytes { all in
                stride(from: 0, to: all.count, by: Self.pageSize).map { start in
                    let page = UnsafeRawBufferPointer(rebasing: all[start..<min(start + Self.pageSize, all.count)])
                    return Self.isZeros(page) ? Self.zeros : Array(page)
                }
            }
        }

        package var description: String { "\(count) bytes" }

        package var bytes: [UInt8] {
            [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
                read(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
                initialized = count
            }
        }

        package static func == (one: Self, other: Self) -> Bool {
            guard one.count == other.count else { return false }
            return one.pages.indices.allSatisfy { one.pages[$0][...] == other.pages[$0][...] }
        }

        func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) {
            var done = 0
            while done < buffer.count {
                let (page, place) = (offset + done).quotientAndRemainder(dividingBy: Self.pageSize)
                let count = min(buffer.count - done, pages[page].count - place)
                pages[page].withUnsafeBytes { bytes in
                    UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + count])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[place..<place + count]))
                }
                done += count
            }
        }

        mutating func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
            var done = 0
            while done < bytes.count {
                let (page, place) = (offset + done).quotientAndRemainder(dividingBy: Self.pageSize)
                let count = min(bytes.count - done, pages[page].count - place)
                pages[page].withUnsafeMutableBytes { all in
                    UnsafeMutableRawBufferPointer(rebasing: all[place..<place + count])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[done..<done + count]))
                }
                done += count
            }
        }

        /// Replaces the file at `path` by one with these bytes, with holes for pages of zeros.
        package func write(to path: FilePath) throws {
            let file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite, .groupRead, .otherRead])
            try file.closeAfter {
                try file.resize(to: Int64(count))
                for (number, page) in pages.enumerated() {
                    let isHole = page.withUnsafeBytes { page in
                        Self.zeros.withUnsafeBytes { $0.baseAddress == page.baseAddress }
                    }
                    guard !isHole else { continue }
                    _ = try page.withUnsafeBytes {
                        try file.writeAll(toAbsoluteOffset: Int64(number * Self.pageSize), $0)
                    }
                }
            }
        }
    }
}
