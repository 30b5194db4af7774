/// The names in one line; of more than eight, the first seven and how many follow.
func shortList(_ names: [String]) -> String {
    names.count <= 8
        ? names.joined(separator: " ") : names.prefix(7).joined(separator: " ") + " and \(names.count - 7) more"
}
