import ArgumentParser
import Cards
import Fleet

/// What of an image is written, and how.
struct WriteOptions: ParsableArguments {
    enum Comparison: String, CaseIterable, ExpressibleByArgument {
        case auto, always, never
    }

    @Option(
        name: .long,
        help: ArgumentHelp("Read the card first and write only what differs.", valueName: "when"))
    var compare = Comparison.auto

    @Flag(name: .long, help: "Write every byte of the image, also where no file is.")
    var whole = false

    @Flag(name: .long, help: "Zero what the image leaves out: what was on the card goes.")
    var wipe = false

    var options: CardWriting.Options {
        let comparison: CardWriter.Comparison =
            switch compare {
            case .auto: .automatic
            case .always: .always
            case .never: .never
            }
        return CardWriting.Options(coverage: whole ? .whole : .used, wipe: wipe, comparison: comparison)
    }
}
