/// `text` as one word of a POSIX shell: in single quotes nothing is special but the quote itself.
package func shellQuoted(_ text: String) -> String {
    var word = "'"
    for scalar in text.unicodeScalars {
        if scalar == "'" { word += "'\\''" } else { word.unicodeScalars.append(scalar) }
    }
    return word + "'"
}

/// `text` as one word of a POSIX shell, quoted only if it must be: for commands that people read and copy. "~" stays as
/// it is, so that the shell expands it.
package func shellWord(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "/._-+:,@~".utf8.contains(byte)
        }
    }
    return isPlain && !text.isEmpty ? text : shellQuoted(text)
}
