import Host
import Diagnostics
import Filesystems
import Host
import Images
import Provisioning
import Recipes
import Stacks
import SystemPackage

extension Supplies {
    /// In bytes, for all files of a node together: they are in memory, several times, while a card is planned.
    package static let sizeLimit: Int64 = 1 << 30

    /// Reads the files that the recipe of `node` names, and what they say of themselves. The contents stay in memory until
    /// the card is written, as all changes to it do. Throws a report with every file that is not what it should be.
    init(filesOf node: Node, isCancelled: @escaping () -> Bool) throws {
        var report = DiagnosticReport()
        self.init()
        let named = node.docker.packages + node.docker.preload
        let sizes = named.map { (try? FilePath($0.value).stat().size) ?? 0 }
        let total = sizes.reduce(0) { $0 + Int64($1) }
        guard total <= Self.sizeLimit else {
            report.error(
                at: named.first?.location,
                "docker: the files of docker.packages and docker.preload have \(formatBytes(total)); at most \(formatBytes(Self.sizeLimit)) can be carried"
            )
            throw report
        }
        for path in node.docker.packages {
            guard let contents = Self.read(path, "docker.packages", &report) else { continue }
            do throws(Failure) {
                let package = try DebianPackage(contents, file: path.value, isCancelled: isCancelled)
                packages.append(.init(path: path, contents: contents, package: package))
            } catch  where error.code == .cancelled {
                throw error
            } catch {
                report.error(at: path.location, "docker.packages: \(error.message)")
            }
        }
        for path in node.docker.preload {
            guard let contents = Self.read(path, "docker.preload", &report) else { continue }
            do throws(Failure) {
                let saved = try SavedImage.list(contents, file: path.value, isCancelled: isCancelled)
                savedImages.append(.init(path: path, contents: contents, images: saved))
            } catch  where error.code == .cancelled {
                throw error
            } catch {
                report.error(
                    at: path.location, "docker.preload: \(error.message)" + (error.hint.map { " (\($0))" } ?? ""))
            }
        }
        for stack in node.swarm?.stacks ?? [] {
            if let source = StackSource(reading: stack, &report) { stacks.append(source) }
        }
        guard !report.hasErrors else { throw report }
    }

    private static func read(
        _ path: Located<String>, _ key: String, _ report: inout DiagnosticReport
    ) -> [UInt8]? {
        do throws(Failure) {
            if let contents = try DurableFile.read(FilePath(path.value), limit: Int(sizeLimit), kind: .regular) {
                return contents
            }
            report.error(at: path.location, "\(key): there is no file \(path.value)")
        } catch {
            report.error(at: path.location, "\(key): \(error.message)")
        }
        return nil
    }
}

extension Supplies {
    /// Runs `body`, which writes the supplies to a root partition with `free` bytes of room. If they do not fit, the failure
    /// names the line of the recipe that asks for them.
    func fitting<Value>(in free: Int64?, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let failure as Failure where failure.code == .filesystemFull {
            let files = packages.map { ($0.path, $0.contents.count) } + savedImages.map { ($0.path, $0.contents.count) }
            guard let first = files.first else { throw failure }
            let needed = files.reduce(Int64(0)) { $0 + Int64($1.1) }
            let room = free.map { ", its root partition has \(formatBytes($0)) free" } ?? ""
            throw DiagnosticReport([
                Diagnostic(
                    .error, at: first.0.location,
                    "docker: the files of docker.packages and docker.preload have \(formatBytes(needed)): too much for the image\(room)"
                )
            ])
        }
    }
}
