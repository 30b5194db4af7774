import Text
import Diagnostics

/// Long names: up to 255 UTF-16 units in entries of 13, written backwards before the short name's entry.
///
/// An entry (specification, "Long Directory Entries"): 0 its number, with 0x40 on the last; 1, 14 and 28 the characters
/// (5, 6 and 2 of them); 11 the attribute 0x0F; 13 the short name's checksum.
enum LongName {
    static let attribute: UInt8 = 0x0F
    private static let unitOffsets = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30]

    /// Throws when FAT cannot hold `name`.
    static func check(_ name: String) throws(Failure) {
        let refused: String? =
            if name.isEmpty || name == "." || name == ".." {
                "it is not a file name"
            } else if name.utf16.count > 255 {
                "it is longer than 255 characters"
            } else if let character = name.unicodeScalars.first(where: {
                $0.value < 0x20 || "\"*/:<>?\\|\u{7F}\u{FFFE}\u{FFFF}".unicodeScalars.contains($0)
            }) {
                "FAT does not allow \(character.debugDescription) in names"
            } else if let last = name.unicodeScalars.last, last == " " || last == "." {
                "FAT drops blanks and dots at the end of names"
            } else {
                nil
            }
        if let refused { throw Failure(.badFileName, "the file name \"\(name)\" cannot be used: \(refused)") }
    }

    /// The components of a path to be written; throws for one that FAT cannot hold.
    static func checkedComponents(_ path: String) throws(Failure) -> ArraySlice<String> {
        guard !path.isEmpty else { return [] }
        let parts = path.split(at: "/", omittingEmptySubsequences: false).map(String.init)
        for part in parts { try check(part) }
        return parts[...]
    }

    /// The entries for `name`, in their order on the disk.
    static func entries(for name: String, checksum: UInt8) -> [[UInt8]] {
        var units = Array(name.utf16)
        let count = (units.count + 12) / 13
        if units.count % 13 != 0 {
            units.append(0)
            units += [UInt16](repeating: 0xFFFF, count: count * 13 - units.count)
        }
        return (0..<count).reversed().map { index in
            var entry = [UInt8](repeating: 0, count: DirectorySlot.size)
            entry[0] = UInt8(index + 1) | (index == count - 1 ? 0x40 : 0)
            entry[11] = attribute
            entry[13] = checksum
            for (position, offset) in unitOffsets.enumerated() { entry.set(units[index * 13 + position], at: offset) }
            return entry
        }
    }

    /// The name in `entries` (in their order on the disk), or nil if they do not belong to a short name with
    /// `checksum`: left-overs of a system that knows no long names.
    static func decode(_ entries: [[UInt8]], checksum: UInt8) -> String? {
        guard !entries.isEmpty, entries[0][0] & 0x40 != 0 else { return nil }
        var units: [UInt16] = []
        for (index, entry) in entries.reversed().enumerated() {
            guard Int(entry[0] & 0x3F) == index + 1, entry[13] == checksum else { return nil }
            units += unitOffsets.map { entry.u16($0) }
        }
        let name = units.prefix { $0 != 0 }
        return name.isEmpty ? nil : String(decoding: name, as: UTF16.self)
    }
}
