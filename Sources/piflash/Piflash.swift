import PiflashCommands

/// The command `piflash`: everything it does is in the library.
@main
enum Piflash {
    static func main() async { await PiflashCommand.runAndExit() }
}
