import ArgumentParser
import Cards
import Planning
import Racks

/// Which parts of an image are written, and how.
struct WriteOptions: ParsableArguments {
    enum Comparison: String, CaseIterable, ExpressibleByArgument {
        case auto, always, never
    }

    @Option(
        name: .long,
        help: ArgumentHelp("Read the card first and write only what differs.", valueName: "when"))
    var compare = Comparison.auto

    @Flag(name: .long, help: "Write every byte of the image, even where no file is.")
    var whole = false

    @Flag(name: .long, help: "Zero what the image does not use; old data is erased.")
    var wipe = false

    var options: CardPlan.WriteOptions {
        let comparison: CardWriter.Comparison =
            switch compare {
            case .auto: .automatic
            case .always: .always
            case .never: .never
            }
        return CardPlan.WriteOptions(coverage: whole ? .whole : .used, wipe: wipe, comparison: comparison)
    }
}
