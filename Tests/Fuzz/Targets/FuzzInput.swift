import Host
import Text
import TestSupport
import SystemPackage
import Storage
import Diagnostics

/// Takes an input apart, from its front. After the end there are zeros.
struct FuzzInput {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    mutating func byte() -> Int { Int(rest.popFirst() ?? 0) }

    mutating func number(bytes count: Int) -> Int { (0..<count).reduce(0) { sum, _ in sum << 8 | byte() } }

    mutating func bytes(_ count: Int) -> [UInt8] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    /// What comes before the next byte 0xFF, which no text in UTF-8 holds.
    mutating func part() -> [UInt8] {
        let part = rest.prefix { $0 != 0xFF }
        rest = rest.dropFirst(part.count + 1)
        return Array(part)
    }

    /// The same as text; what is not UTF-8 is replaced.
    mutating func text() -> String { String(decoding: part(), as: UTF8.self) }
}

/// A file in memory with these bytes, and zeros up to `size`.
func memoryFile(_ bytes: [UInt8], size: Int64 = 0) throws -> FileDescriptor {
    let memory = try MemoryFile(bytes)
    let file = try withExtendedLifetime(memory) { try memory.descriptor.duplicate() }
    if size > Int64(bytes.count) { try file.resize(to: size) }
    return file
}

/// A disk that an input changes in some places. The places count only where the disk has other bytes than zeros, for most
/// of a disk is empty: a place is a number in the row of its used pieces.
struct PatchedDisk: Sendable {
    /// In bytes.
    private static let piece = 64

    let bytes: [UInt8]
    private let used: [Int]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        used = stride(from: 0, to: bytes.count, by: Self.piece).filter { start in
            bytes[start..<min(start + Self.piece, bytes.count)].contains { $0 != 0 }
        }
    }

    /// Each patch: two bytes for the place, one for how many bytes follow (at most 15; the upper bits say how they change
    /// what is there: they replace it, or are added to it), and these bytes.
    func patches(_ input: inout FuzzInput) -> [(place: Int, bytes: [UInt8])] {
        var patches: [(place: Int, bytes: [UInt8])] = []
        while !input.rest.isEmpty, patches.count < 64, !used.isEmpty {
            let number = input.number(bytes: 2)
            let how = input.byte()
            let place = used[number / Self.piece % used.count] + number % Self.piece
            var new = input.bytes(how & 0x0F)
            new = Array(new.prefix(max(0, bytes.count - place)))
            if how & 0x80 != 0 { for index in new.indices { new[index] &+= bytes[place + index] } }
            if !new.isEmpty { patches.append((place, new)) }
        }
        return patches
    }
}
