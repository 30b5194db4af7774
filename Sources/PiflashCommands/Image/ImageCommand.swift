import ArgumentParser

/// The commands about images, without a recipe.
struct ImageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image",
        abstract: "Show facts about images.",
        discussion: """
            EXAMPLES
              piflash image info hypriotos-rpi-v1.12.3.img.zip
              piflash image info /dev/sdb
            """,
        subcommands: [ImageInfoCommand.self])
}
