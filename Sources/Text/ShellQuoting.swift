/// `text` as one word of a POSIX shell: in single quotes nothing is special but the quote itself.
package func shellQuoted(_ text: String) -> String {
    var word = "'"
    for scalar in text.unicodeScalars {
        if scalar == "'" { word += "'\\''" } else { word.unicodeScalars.append(scalar) }
    }
    return word + "'"
}
