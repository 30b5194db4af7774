import Filesystems
import Foundation
import SystemPackage
import Testing
import TestSupport

@testable import Provisioning

/// startpar, which starts what insserv's list names and nothing else, as on wheezy.
@Suite struct StartOrderTests {
    private static let order = "TARGETS = ssh docker\nINTERACTIVE = \ndocker: ssh\n"

    /// What startpar starts, in its order; the scripts are there and linked, whatever the list says.
    private func started(by order: String) throws -> [String] {
        let scratch = ScratchDirectory()
        scratch.write(order, to: "init.d/.depend.start")
        for name in ["ssh", "docker", FirstBootScript.name] {
            let script = scratch.write("#!/bin/sh\necho \"${0##*/} $1\" >>\(scratch["log"])\n", to: "init.d/\(name)")
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script.string)
        }
        try FileManager.default.createDirectory(atPath: scratch["rc2.d"].string, withIntermediateDirectories: true)
        for (number, name) in [("01", "ssh"), ("02", "docker"), ("99", FirstBootScript.name)] {
            try FileManager.default.createSymbolicLink(
                atPath: scratch["rc2.d/S\(number)\(name)"].string, withDestinationPath: "../init.d/\(name)")
        }
        _ = try OutsideTool("startpar")
        let run = try OutsideTool("unshare").run([
            "--mount", "sh", "-c",
            """
            mkdir -p /etc/init.d /etc/rc2.d && mount --bind "$0/init.d" /etc/init.d && mount --bind "$0/rc2.d" /etc/rc2.d &&
            startpar -p 4 -t 20 -T 3 -M start -P N -R 2
            """, scratch.path.string,
        ])
        #expect(run.succeeded, "\(run.errors)")
        return String(decoding: scratch.read("log"), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test func `links alone start nothing, and the list starts our program after all others`() throws {
        #expect(try started(by: Self.order) == ["ssh start", "docker start"])
        let edited = StartOrder.adding(FirstBootScript.name, to: Self.order)
        #expect(try started(by: edited) == ["ssh start", "docker start", "\(FirstBootScript.name) start"])
        #expect(StartOrder.adding(FirstBootScript.name, to: edited) == edited)
    }

    @Test func `a list without targets is left as it is`() {
        #expect(StartOrder.adding("x", to: "") == "")
        #expect(StartOrder.adding("x", to: "INTERACTIVE = \n") == "INTERACTIVE = \n")
        #expect(StartOrder.adding("x", to: "TARGETS = \n") == "TARGETS = x\n")
    }
}
