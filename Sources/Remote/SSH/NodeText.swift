/// Text from a node, as it may be shown.
package enum NodeText {
    /// `text` without logins in URLs, values of keys that hold secrets, and join tokens.
    package static func masked(_ text: String) -> String {
        text.replacing(/:\/\/[^\/@\s"]+@/.matchingSemantics(.unicodeScalar), with: "://***@")
            .replacing(
                /("[^"\n]*(?:token|password|secret)[^"\n]*"\s*:\s*)"[^"\n]*"/.matchingSemantics(.unicodeScalar)
                    .ignoresCase()
            ) {
                "\($0.output.1)\"***\""
            }
            .replacing(/SWMTKN-[0-9A-Za-z-]*/, with: "SWMTKN-***")
    }
}
