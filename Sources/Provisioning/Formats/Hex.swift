import Crypto

/// Lower-case hex, two digits a byte.
func hex(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".unicodeScalars)
    var text = ""
    for byte in bytes {
        text.unicodeScalars.append(digits[Int(byte >> 4)])
        text.unicodeScalars.append(digits[Int(byte & 15)])
    }
    return text
}

/// The first `digits` hex digits of the SHA-256 of `parts`, each with its length in front, so that no two lists of parts
/// give the same input.
func digest(of parts: [[UInt8]], digits: Int = 12) -> String {
    var hash = SHA256()
    for part in parts {
        hash.update(data: Array("\(part.count):".utf8))
        hash.update(data: part)
    }
    return String(hex(hash.finalize()).prefix(digits))
}
