import Text

/// The eleven bytes of a classic 8.3 name, and how a long name gets one (specification, "Generating 8.3 names").
struct ShortName: Hashable, Sendable {
    let bytes: [UInt8]

    /// The characters that FAT allows in short names besides letters and digits.
    private static let marks = Set("$%'-_@~`!(){}^#&".utf8)

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// The name of a directory's entry for itself (".") or its parent ("..").
    init(dots: String) { bytes = Self.pad(Array(dots.utf8), 11) }

    /// The short name that *is* `name`, if it is one already apart from the case of its letters.
    init?(exactly name: String) {
        let parts = name.split(at: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), (1...8).contains(parts[0].utf8.count),
            parts.count == 1 || (1...3).contains(parts[1].utf8.count),
            parts.joined().utf8.allSatisfy(Self.isAllowed)
        else { return nil }
        bytes = Self.pad(parts[0], 8) + Self.pad(parts.count == 2 ? parts[1] : "", 3)
    }

    /// A short name for `name` that is not in `taken`: its letters, cut and cleaned, with a number behind "~".
    init?(for name: String, avoiding taken: Set<ShortName>) {
        let cleaned = name.filter { $0 != " " }
        let stem = cleaned.drop { $0 == "." }
        let dot = stem.unicodeScalars.lastIndex(of: ".")
        let base = (dot.map { stem[..<$0] } ?? stem).filter { $0 != "." }
        let suffix = dot.map { stem[stem.unicodeScalars.index(after: $0)...] } ?? ""
        let clean = { (text: Substring) in
            text.flatMap { character -> [UInt8] in
                let upper = Array(String(character).uppercased().utf8)
                return upper.count == 1 && Self.isAllowed(upper[0]) ? upper : [UInt8(ascii: "_")]
            }
        }
        let head = clean(Substring(base))
        let tail = Array(clean(suffix).prefix(3))
        for number in 1...999_999 {
            let mark = Array("~\(number)".utf8)
            let start = Array(head.prefix(8 - mark.count))
            let candidate = ShortName(
                bytes: Self.pad(start + mark, 8) + Self.pad(tail, 3))
            if !taken.contains(candidate) {
                self = candidate
                return
            }
        }
        return nil
    }

    /// The name as text; `caseBits` is the byte in which Windows NT notes lower-case bases (0x08) and suffixes (0x10).
    func text(caseBits: UInt8 = 0) -> String {
        var raw = bytes
        // 0xE5 as a first byte marks a deleted entry, so a name that starts with it is kept with 0x05.
        if raw[0] == 0x05 { raw[0] = 0xE5 }
        var base = Self.decodeOEM(raw[0..<8]).trimmingBlanks
        var suffix = Self.decodeOEM(raw[8..<11]).trimmingBlanks
        if caseBits & 0x08 != 0 { base = base.lowercased() }
        if caseBits & 0x10 != 0 { suffix = suffix.lowercased() }
        return suffix.isEmpty ? base : "\(base).\(suffix)"
    }

    /// The checksum that ties long-name entries to their short name (specification, "ChkSum").
    var checksum: UInt8 { bytes.reduce(0) { ($0 >> 1 | $0 << 7) &+ $1 } }

    /// Text of code page 437, which mkfs.fat and mtools use by default.
    static func decodeOEM(_ bytes: some Sequence<UInt8>) -> String {
        String(String.UnicodeScalarView(bytes.map { $0 < 0x80 ? Unicode.Scalar($0) : upper437[Int($0) - 0x80] }))
    }

    /// A volume label, or nil when there is none: "NO NAME" is what formatting programs put in its place.
    static func decodeLabel(_ bytes: some Collection<UInt8>) -> String? {
        var raw = Array(bytes)
        if raw.first == 0x05 { raw[0] = 0xE5 }
        let text = decodeOEM(raw.prefix { $0 != 0 }).trimmingBlanks
        return text.isEmpty || text == "NO NAME" ? nil : text
    }

    private static let upper437 = Array(
        ("ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧"
            + "╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}").unicodeScalars)

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: marks.contains(byte)
        }
    }

    private static func pad(_ text: Substring, _ count: Int) -> [UInt8] { pad(Array(text.uppercased().utf8), count) }

    private static func pad(_ bytes: [UInt8], _ count: Int) -> [UInt8] {
        bytes + [UInt8](repeating: UInt8(ascii: " "), count: count - bytes.count)
    }
}

extension String {
    /// Without the blanks at its end, with which FAT fills its fields.
    var trimmingBlanks: String {
        var result = self[...]
        while result.last == " " { result.removeLast() }
        return String(result)
    }
}
