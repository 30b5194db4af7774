import Diagnostics
import Host
import Provisioning
import Recipes
import SystemPackage
import Testing

/// What a recipe says of dockerd, where it does not depend on the image: `piflash check` finds it.
@Suite struct DaemonRecipeTests {
    static let head = "hostname: red01\nuser: { name: pirate, ssh_authorized_keys: [\"\(Sample.key)\"] }\n"

    static func errors(_ text: String) -> [Diagnostic] {
        let loader = RecipeLoader(
            user: InvokingUser(userID: 1000, groupID: 1000, home: "/home/me"), workingDirectory: "/work",
            requireImage: false, read: { $0.string == "/work/r.yaml" ? Array((head + text).utf8) : nil })
        do throws(DiagnosticReport) {
            _ = try RecipeValidation.validateOne(loader.reading(of: "r.yaml"))
            return []
        } catch {
            return error.errors
        }
    }

    @Test(arguments: [
        ("docker: { daemon: { label: [a=b] } }", "3:21", "the key is \"labels\""),
        ("docker: { daemon: { labels: a=b } }", "3:29", "expected a list"),
        ("docker: { daemon: { labels: [ab] } }", "3:29", "is not a valid label"),
        ("docker: { daemon: { storage-driver: 2 } }", "3:37", "expected text"),
        ("docker: { daemon: { debug: \"true\" } }", "3:28", "without quotes"),
        ("docker: { daemon: { log-opts: { max-file: 3 } } }", "3:31", "refuses numbers"),
        ("docker: { daemon: { storage-drive: overlay2 } }", "3:21", "did you mean \"storage-driver\"?"),
        ("docker: { daemon: { Debug: true } }", "3:21", "in lower case: \"debug\""),
        ("docker: { daemon: { registry-mirrors: [\"m:5000\"] } }", "3:39", "is not a valid registry mirror"),
        ("docker: { daemon: { bip: 172.26.0.1 } }", "3:26", "prefix length"),
    ])
    func `a mistake for every version is refused at its place`(_ text: String, _ place: String, _ part: String) {
        let errors = Self.errors(text)
        #expect(errors.count == 1 && errors[0].description.hasPrefix("r.yaml:\(place): "), "\(errors)")
        #expect(errors.first?.text.contains(part) == true, "\(errors)")
    }

    @Test func `mistakes in dockerd's keys are reported together with all others`() {
        let errors = Self.errors("docker: { daemon: { label: [a=b], debug: 1 } }\nlocale: { timezone: \"a b\" }")
        #expect(errors.count == 3, "\(errors)")
    }

    @Test func `without an image, what is right for one version is not a mistake`() {
        for text in [
            "data-root: /data", "graph: /data", "labels: [a=b, a=c]", "storage-driver: aufs", "log-level: warning",
            "proxies: { http-proxy: \"http://p:1\" }", "registry-mirrors: [\"http://m/path\"]", "ipv6: true",
        ] {
            #expect(Self.errors("docker: { daemon: { \(text) } }").isEmpty, "\(text)")
        }
    }
}
