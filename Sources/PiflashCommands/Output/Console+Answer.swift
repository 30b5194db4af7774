import FoundationEssentials

extension Console {
    /// Prints the result of a command: with `json` the object as one JSON document, keys sorted and in snake case;
    /// otherwise the text.
    func answer(json: Bool, _ object: @autoclosure () -> some Encodable, or text: @autoclosure () -> String) throws {
        guard json else { return output(text()) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        output(json: String(decoding: try encoder.encode(object()), as: UTF8.self))
    }

    /// Prints an event as one line on standard output.
    func output(_ event: JSONEvent) { output(json: event.line) }
}
