/// Values in systemd's unit files (systemd.syntax(7), systemd.unit(5)): a quote ends a word, a backslash begins an escape,
/// "%" a specifier. A line end would begin another setting.

/// `NAME=value` as one word of `Environment=`, which expands specifiers, but no variables (systemd.exec(5)).
package func systemdAssignment(_ name: String, _ value: String) -> String {
    systemdQuoted("\(name)=\(value)", dollar: "$")
}

/// `text` as one word of a command line of `ExecStart=` (systemd.service(5), COMMAND LINES), where "$" begins a variable.
package func systemdWord(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "/._-+:,@=~%".utf8.contains(byte)
        }
    }
    return isPlain && !text.isEmpty ? text.replacing(scalar: "%", with: "%%") : systemdQuoted(text, dollar: "$$")
}

private func systemdQuoted(_ text: String, dollar: String) -> String {
    var word = "\"".unicodeScalars
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": word += "\\\"".unicodeScalars
        case "\\": word += "\\\\".unicodeScalars
        case "%": word += "%%".unicodeScalars
        case "$": word += dollar.unicodeScalars
        case "\n": word += "\\n".unicodeScalars
        case "\r": word += "\\r".unicodeScalars
        case "\t": word += "\\t".unicodeScalars
        default:
            // Other control characters as \xHH; a zero byte, which no variable can hold, is left out.
            if scalar.value == 0 { continue }
            if scalar.value < 0x20 || scalar.value == 0x7F {
                word += ("\\x" + [UInt8(scalar.value)].hex).unicodeScalars
            } else {
                word.append(scalar)
            }
        }
    }
    word.append("\"")
    return String(word)
}
