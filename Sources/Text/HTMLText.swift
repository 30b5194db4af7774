/// `text` for HTML, between tags or in a quoted attribute (HTML Living Standard, 13.1.4): one scalar after the other, so
/// that no mark or prefix that joins "<" to one Character hides it. A control character, which HTML may not hold, becomes
/// a blank.
package func htmlEscaped(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        switch scalar {
        case "<": result += "&lt;".unicodeScalars
        case ">": result += "&gt;".unicodeScalars
        case "&": result += "&amp;".unicodeScalars
        case "\"": result += "&quot;".unicodeScalars
        case "'": result += "&#39;".unicodeScalars
        case "\n", "\t": result.append(scalar)
        default: result.append(scalar.properties.generalCategory == .control ? " " : scalar)
        }
    }
    return String(result)
}
