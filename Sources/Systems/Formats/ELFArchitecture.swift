import Text

/// The processor that a program was compiled for, from its ELF header and, for 32-bit ARM, its build attributes.
///
///     offset  size     field (ELF32 / ELF64)      System V ABI, chapter 4
///       0      4       e_ident: 7F "ELF"
///       4      1       EI_CLASS: 1 = 32 bits, 2 = 64 bits
///       5      1       EI_DATA: 1 = little endian
///      18      2       e_machine
///      32/40   4/8     e_shoff: the offset of the section headers
///      46/58   2       e_shentsize
///      48/60   2       e_shnum
///
/// The attributes are a section of type SHT_ARM_ATTRIBUTES (ELF for the Arm Architecture, AAELF32, 5.3.3). Its contents
/// are described in Addenda to, and Errata in, the ABI for the Arm Architecture (ADDENDA32), 3.2 and 3.3.
enum ELFArchitecture {
    /// The architecture in Docker's spelling; nil if the file is not an ELF program, or is for another machine.
    static func name(of file: [UInt8]) -> String? {
        guard file.count >= 20, file.starts(with: [0x7F, 0x45, 0x4C, 0x46]), file[5] == 1 else { return nil }
        let is64Bit = file[4] == 2
        switch (file.field(18, 2), is64Bit) {
        case (183, true): return "arm64"
        case (62, true): return "amd64"
        case (3, false): return "386"
        case (40, false): return armVersion(of: file).map { "armv\($0)" }
        default: return nil
        }
    }

    private static let armAttributes = 0x7000_0003

    private static func armVersion(of file: [UInt8]) -> Int? {
        guard let table = file.field(32, 4), let size = file.field(46, 2), let count = file.field(48, 2), size >= 40
        else { return nil }
        for index in 0..<count {
            let header = table + index * size
            guard file.field(header + 4, 4) == armAttributes, let start = file.field(header + 16, 4),
                let length = file.field(header + 20, 4), start + length <= file.count
            else { continue }
            return cpuArchitecture(Array(file[start..<start + length])).flatMap(version)
        }
        return nil
    }

    /// Tag_CPU_arch (ADDENDA32, 3.3.5.2). The Pi's first processor, an ARM1176JZF-S, is a v6KZ.
    private static func version(_ tag: Int) -> Int? {
        switch tag {
        case 3...5: 5
        case 6...9: 6
        // v7, and the 32-bit state of v8 and later: Docker calls it armv7 on a 64-bit processor too.
        case 10, 14, 15, 18...20, 22: 7
        default: nil
        }
    }

    /// Tag_CPU_arch of the whole file, in a section of this shape:
    ///
    ///     'A' { size (4), vendor name, 0, { tag (ULEB128), size (4), { tag (ULEB128), value }* }* }*
    private static func cpuArchitecture(_ section: [UInt8]) -> Int? {
        guard section.first == UInt8(ascii: "A") else { return nil }
        var start = 1
        while let size = section.field(start, 4), size > 4, start + size <= section.count {
            var reader = Reader(bytes: section[(start + 4)..<(start + size)])
            if reader.text() == "aeabi" {
                while let begin = reader.position, let scope = reader.number(), let length = reader.word() {
                    let end = begin + length
                    guard let first = reader.position, first <= end, end <= start + size else { break }
                    // Tag_File; the other tags are about single sections or symbols.
                    if scope == 1 {
                        var attributes = Reader(bytes: section[first..<end])
                        if let found = attributes.value(ofTag: 6) { return found }
                    }
                    reader = Reader(bytes: section[end..<(start + size)])
                }
            }
            start += size
        }
        return nil
    }

    /// Reads fields from the front; nil after the end.
    private struct Reader {
        var bytes: ArraySlice<UInt8>

        /// The index of the next field; nil at the end.
        var position: Int? { bytes.isEmpty ? nil : bytes.startIndex }

        mutating func text() -> String? {
            guard let end = bytes.firstIndex(of: 0) else { return nil }
            defer { bytes = bytes[(end + 1)...] }
            return String(decoding: bytes[..<end], as: UTF8.self)
        }

        mutating func word() -> Int? {
            guard bytes.count >= 4 else { return nil }
            defer { bytes = bytes.dropFirst(4) }
            return bytes.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        }

        /// ULEB128: seven bits in each byte, the lowest first; the top bit is set in all bytes but the last.
        mutating func number() -> Int? {
            var value = 0
            for shift in stride(from: 0, to: 35, by: 7) {
                guard let byte = bytes.popFirst() else { return nil }
                value |= Int(byte & 0x7F) << shift
                if byte & 0x80 == 0 { return value }
            }
            return nil
        }

        /// ADDENDA32, 3.2.3: CPU_raw_name (4) and CPU_name (5) are texts, compatibility (32) a number and a text; of
        /// the tags above 32 the odd ones are texts; all others are numbers.
        mutating func value(ofTag wanted: Int) -> Int? {
            while let tag = number() {
                if tag == 4 || tag == 5 || tag > 32 && tag % 2 == 1 {
                    guard text() != nil else { return nil }
                } else {
                    guard let value = number() else { return nil }
                    if tag == wanted { return value }
                    if tag == 32, text() == nil { return nil }
                }
            }
            return nil
        }
    }
}
