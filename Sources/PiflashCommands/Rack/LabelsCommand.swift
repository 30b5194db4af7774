import ArgumentParser
import Diagnostics
import FoundationEssentials
import Host
import Labels
import Recipes
import SystemPackage

struct LabelsCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "labels",
        abstract: "Print labels or hand-outs for the nodes of a rack.",
        discussion: """
            Makes one self-contained HTML file with a label for each node: its name,
            address, user, seat, roster columns, and a QR code of its ssh address. Open
            it in a browser and print it at 100 % on A4. The file is labels.html or
            hand-outs.html beside the rack's recipe, unless you use --output.

            EXAMPLES
              piflash labels recipes/red
              piflash labels --hand-outs class/class.yaml --output hand-outs.html
              piflash labels --text recipes/red
            """)

    @Argument(help: "Recipe files, or directories of them.", completion: .file(extensions: ["yaml", "yml"]))
    var recipes: [String] = []

    @Option(
        name: [.short, .long], help: ArgumentHelp("The file to write; - means standard output.", valueName: "file"),
        completion: .file())
    var output: String?

    @Flag(name: .long, help: "One page per node that explains how to log in, instead of labels.")
    var handOuts = false

    @Flag(name: .long, help: "Print plain text.")
    var text = false

    @Option(name: .long, help: ArgumentHelp("Your own Mustache template.", valueName: "file"), completion: .file())
    var template: String?

    @Flag(name: .long, help: "Print the template, to start your own from.")
    var printTemplate = false

    @Flag(name: .long, help: "Print the passwords on the sheet, in clear text.")
    var withPassword = false

    func validate() throws {
        if recipes.isEmpty, !printTemplate { throw ValidationError("no recipes given: piflash labels RECIPES") }
        if text, handOuts || template != nil || output != nil {
            throw ValidationError(
                "--text prints to standard output, and cannot be used with --hand-outs, --template or --output")
        }
    }

    func run(in context: CommandContext) async throws {
        let ours = handOuts ? LabelSheet.handOutTemplate : LabelSheet.labelTemplate
        if printTemplate { return context.console.output(data: ours) }
        let rack = try context.loadRack(recipes, requireImage: false)
        context.console.report(DiagnosticReport(rack.warnings))
        let sheet = LabelSheet(rack: name(in: context), labels: try await labels(of: rack, in: context))
        if text { return context.console.output(sheet.text) }
        let html = try sheet.html(
            template: try template.map { try read($0, in: context) } ?? ours, file: template ?? "the template")
        if output == "-" { return context.console.output(data: html) }
        let path = try place(in: context)
        try DurableFile.replace(path, with: Array(html.utf8), mode: withPassword ? 0o600 : 0o644)
        context.console.note("\(rack.members.count) nodes: \(path)")
    }

    private func labels(of rack: LoadedRack, in context: CommandContext) async throws -> [NodeLabel] {
        var names = context.localNames
        defer { context.report(names) }
        guard withPassword else {
            return rack.members.map { NodeLabel($0, answersLocalName: names.answer(for: $0.node)) }
        }
        context.console.note(
            "piflash: the passwords are on the sheet in clear text: anyone who sees it can log in and use sudo"
        )
        let secrets = context.secrets
        var labels: [NodeLabel] = []
        for member in rack.members {
            var password: String?
            if let secret = member.node.user?.password, case .value(let value) = try await secrets.read(secret) {
                if CryptHash.scheme(of: value) != nil {
                    context.console.note(
                        "\(member.node.hostname.value): the recipe has only the password's hash; it is left out")
                } else {
                    password = value
                }
            }
            labels.append(
                NodeLabel(member, password: password, answersLocalName: names.answer(for: member.node)))
        }
        return labels
    }

    /// The name of the rack's directory, or of its recipe.
    private func name(in context: CommandContext) -> String {
        guard let first = recipes.first else { return "rack" }
        return context.absolute(first).stem ?? "rack"
    }

    private func read(_ path: String, in context: CommandContext) throws(Failure) -> String {
        guard let bytes = (try? DurableFile.read(context.absolute(path))) ?? nil,
            let text = String(validating: bytes, as: UTF8.self)
        else { throw Failure(.usage, severity: .usage, "\(path): cannot be read, or is not UTF-8 text") }
        return text
    }

    /// Where the sheet goes. A file that piflash did not make is never replaced.
    private func place(in context: CommandContext) throws(Failure) -> FilePath {
        if let output { return try free(context.absolute(output)) }
        var directory = context.absolute(recipes[0])
        if (try? directory.stat())?.type != .directory { directory.removeLastComponent() }
        return try free(directory.appending(handOuts ? "hand-outs.html" : "labels.html"))
    }

    private func free(_ path: FilePath) throws(Failure) -> FilePath {
        guard FileManager.default.fileExists(atPath: path.string) else { return path }
        let start = ((try? DurableFile.read(path, kind: .regular)) ?? nil)?.prefix(200) ?? []
        guard String(decoding: start, as: UTF8.self).contains(LabelSheet.mark) else {
            throw Failure(
                .usage, severity: .usage, "\(path) exists and was not made by piflash labels: it stays as it is",
                hint: "remove it, or name another file with --output")
        }
        return path
    }
}
