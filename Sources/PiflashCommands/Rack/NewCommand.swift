import ArgumentParser
import Diagnostics
import FoundationEssentials
import Host
import Recipes
import Setups
import SystemPackage
import Text

#if canImport(Glibc)
    import Glibc
#endif

struct NewCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Start from a template: one Pi, a rack, a classroom.",
        discussion: """
            Makes DIRECTORY with recipes that pass `piflash check`; comments explain
            each choice. TEMPLATE is a name from --list, or the path of your own
            directory (docs/templates.md). Existing files are never changed.

            EXAMPLES
              piflash new --list
              piflash new classroom --help-template
              piflash new classroom 7b --count 24 --set ssid=lab
              piflash new rack red --name red --count 5
            """)

    @Argument(help: "A template's name, or the path of your own.")
    var template: String?

    @Argument(help: "The directory to make.", completion: .directory)
    var directory: String?

    @Option(
        name: .long, parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Set a variable. Repeatable.", valueName: "name=value"))
    var set: [String] = []

    @Option(name: .long, help: ArgumentHelp("The number of nodes: --set count=…", valueName: "number"))
    var count: String?

    @Option(name: .long, help: ArgumentHelp("The start of the nodes' names: --set name=…", valueName: "text"))
    var name: String?

    @Flag(name: .long, help: "List the templates.")
    var list = false

    @Flag(name: .long, help: "List the template's variables, with their defaults.")
    var helpTemplate = false

    func validate() throws {
        guard !list else { return }
        guard template != nil else { throw ValidationError("no template given: `piflash new --list` lists them") }
        if directory == nil, !helpTemplate {
            throw ValidationError("no directory given: piflash new TEMPLATE DIRECTORY")
        }
    }

    func run(in context: CommandContext) async throws {
        if list {
            var rows: [(String, String)] = []
            for name in SetupTemplate.names {
                if let template = try SetupTemplate(builtIn: name) { rows.append((name, template.about)) }
            }
            return context.console.output(TextTable.pairs(rows))
        }
        let template = try load(template ?? "", in: context)
        if helpTemplate { return context.console.output(Self.help(of: template)) }
        let files = try template.files(with: try values())
        try make(directory ?? "", files, in: context)
    }

    private static func help(of template: SetupTemplate) -> String {
        let rows = template.variables.map { variable in
            (variable.name, variable.about + "\n" + (variable.value.isEmpty ? "(none)" : "(\(variable.value))"))
        }
        return template.about + "\n\n" + TextTable.pairs(rows)
    }

    private func values() throws(Failure) -> [String: String] {
        var values: [String: String] = [:]
        let short = [name.map { "name=\($0)" }, count.map { "count=\($0)" }].compactMap { $0 }
        for text in short + set {
            guard let sign = text.unicodeScalars.firstIndex(of: "="), sign != text.startIndex else {
                throw Failure(
                    .usage, severity: .usage, "\"\(text)\" is not NAME=VALUE", hint: "for example --set ssid=lab")
            }
            let name = String(text[..<sign])
            guard values.updateValue(String(text[text.unicodeScalars.index(after: sign)...]), forKey: name) == nil
            else {
                throw Failure(.usage, severity: .usage, "\(name) is given twice")
            }
        }
        return values
    }

    // MARK: Templates

    private func load(_ name: String, in context: CommandContext) throws -> SetupTemplate {
        if let template = try SetupTemplate(builtIn: name) { return template }
        let path = context.absolute(context.user.expandingTilde(name))
        guard (try? path.stat())?.type == .directory else {
            let near = nearest(to: name, among: SetupTemplate.names).map { " (did you mean \"\($0)\"?)" } ?? ""
            throw Failure(
                .usage, severity: .usage, "\"\(name)\" is not a template and not a directory\(near)",
                hint: "`piflash new --list` lists the templates")
        }
        var files: [String: [UInt8]] = [:]
        for file in try FileManager.default.contentsOfDirectory(atPath: path.string).sorted() {
            let place = path.appending(file)
            // Hidden files and directories belong to editors or version control.
            guard !file.begins(with: "."), try place.stat().type == .regular else { continue }
            guard let contents = (try? DurableFile.read(place, kind: .regular)) ?? nil else {
                throw Failure(.usage, severity: .usage, "\(place) cannot be read")
            }
            files[file] = contents
        }
        guard !files.isEmpty else { throw Failure(.usage, severity: .usage, "\(name): the directory has no files") }
        return try SetupTemplate(name: name, files: files)
    }

    // MARK: Files

    /// The steps: 1. write all files to a temporary directory beside the new one; 2. check the recipes there; 3. rename
    /// it, which fails if the name is taken (rename(2)), and wait until that is on the disk. If a step fails, the directory of
    /// step 1 is removed.
    private func make(_ name: String, _ files: [String: String], in context: CommandContext) throws {
        let place = context.absolute(context.user.expandingTilde(name))
        let draft = place.removingLastComponent().appending(".\(place.lastComponent?.string ?? "new").\(getpid()).new")
        let directory = try PrivateDirectory.makeNew(draft, mode: 0o755)
        defer { try? FileManager.default.removeItem(atPath: draft.string) }
        for (file, text) in files { try directory.replace(file, with: Array(text.utf8), mode: 0o644) }
        let made = try check(draft, as: name, in: context)
        let renamed = draft.withPlatformString { from in place.withPlatformString { rename(from, $0) } }
        guard renamed == 0 else {
            let reason = Errno.current
            guard [ENOTEMPTY, EEXIST, ENOTDIR].contains(reason.rawValue) else {
                throw Failure.system("making \(name)", reason)
            }
            throw Failure(
                .usage, severity: .usage, "\(name) exists already: it stays as it is", hint: "name another directory")
        }
        do throws(Errno) { try DurableFile.synchronize(directoryAt: place.removingLastComponent()) } catch {
            throw Failure.system("making \(name)", error)
        }
        let shown = FilePath(name)
        context.console.output("\(name): \(files.keys.sorted().joined(separator: ", "))")
        if let image = missingImage(of: made, draft: draft, place: shown, in: context) {
            context.console.output("put the image here, or name yours in \(image.recipe):")
            context.console.output("  \(image.path)")
        }
        context.console.output("next:")
        context.console.output("  piflash check \(shellWord(shown.string))")
        if made.count > 1 {
            context.console.output("  sudo piflash batch \(shellWord(shown.string))")
        } else if let first = made.first {
            context.console.output("  sudo piflash write --recipe \(shellWord(recipe(first, in: shown))) /dev/sdX")
        }
    }

    private func recipe(_ member: LoadedRack.Member, in place: FilePath) -> String {
        FilePath(member.file).lastComponent.map { place.appending($0).string } ?? place.string
    }

    /// Where the recipe expects its image, if it is missing.
    private func missingImage(
        of made: [LoadedRack.Member], draft: FilePath, place: FilePath, in context: CommandContext
    ) -> (path: String, recipe: String)? {
        guard let first = made.first, let source = first.node.image?.source.value else { return nil }
        var path = FilePath(source)
        // The recipe was checked in the temporary directory.
        if path.removePrefix(draft) { path = place.pushing(path) }
        guard !FileManager.default.fileExists(atPath: context.absolute(path.string).string) else { return nil }
        return (path.string, recipe(first, in: place))
    }

    /// Checks the new recipes, without the image. Mistakes name the files by their final names.
    private func check(
        _ draft: FilePath, as name: String, in context: CommandContext
    ) throws -> [LoadedRack.Member] {
        func named(_ text: String) -> String { text.replacing(draft.string, with: name) }
        func named(_ report: DiagnosticReport) -> DiagnosticReport {
            DiagnosticReport(
                report.diagnostics.map { diagnostic in
                    let place = diagnostic.location.map {
                        Location(file: named($0.file), line: $0.line, column: $0.column)
                    }
                    return Diagnostic(diagnostic.severity, at: place, named(diagnostic.text))
                })
        }
        do {
            let rack = try context.loadRack([draft.string], requireImage: false)
            context.console.report(named(DiagnosticReport(rack.warnings)))
            return rack.members
        } catch let report as DiagnosticReport {
            throw named(report)
        } catch let failure as Failure {
            throw Failure(failure.code, severity: failure.severity, named(failure.message), hint: failure.hint)
        }
    }
}
