@testable import Cards
import Diagnostics
import Racks
import Remote
import Testing

@testable import PiflashCommands

/// The lines of docs/events.md, byte for byte: programs read them.
@Suite struct JSONEventTests {
    private let failure = Failure(.init("cards.removed"), severity: .refused, "it is \"gone\"", hint: "see /dev/sdb\n")
    private let reader = StationReader(name: "left", device: "/dev/sdb")

    private let progress = Progress(CardEvent(phase: .finalizing, done: 5, total: 10))

    @Test func `members are in the order of their names, and slashes, quotes and letters are JSON's`() {
        let event = JSONEvent(
            "x", ["b": .string("a/b \"c\" \\ \u{1B} ü"), "a": .count(UInt8(3)), "d": .number(1.5), "c": nil])
        #expect(event.line == #"{"a":3,"b":"a/b \"c\" \\ \u001b ü","d":1.5,"event":"x"}"#)
    }

    @Test func `a number without a fraction has none in JSON`() {
        #expect(JSONEvent("x", ["a": .number(48)]).line == #"{"a":48,"event":"x"}"#)
        #expect(JSONEvent("x", ["a": .number(48.7)]).line == #"{"a":48.7,"event":"x"}"#)
        #expect(JSONEvent("x", ["a": .count(Int64(1) << 40)]).line == #"{"a":1099511627776,"event":"x"}"#)
    }

    @Test func `progress has what is known`() {
        let unknown = JSONEvent(progress: progress, rate: nil, secondsLeft: nil)
        #expect(unknown.line == #"{"done":5,"event":"progress","phase":"sealing","total":10}"#)
        let known = JSONEvent(
            progress: progress, rate: 1000.4, secondsLeft: 6.6, node: "red01", device: "/dev/sdb")
        #expect(
            known.line
                == #"{"device":"/dev/sdb","done":5,"event":"progress","node":"red01","phase":"sealing","rate":1000,"#
                + #""seconds_left":7,"total":10}"#)
        let none = JSONEvent(progress: nil, rate: nil, secondsLeft: nil, node: "red01", device: "a.img")
        #expect(none.line == #"{"device":"a.img","event":"progress","node":"red01"}"#)
    }

    @Test func `the phases keep their names`() {
        #expect(
            CardEvent.Phase.allCases.map(\.eventName) == [
                "clearing", "wiping", "comparing", "writing", "flushing", "verifying", "sealing",
            ])
        #expect(Progress.Phase.unpacking.eventName == "unpacking")
    }

    @Test func `a card alone`() {
        let summary = CardWriter.Summary(verified: 20, written: 10)
        #expect(
            JSONEvent(done: "red01", target: "/dev/sdb", summary, imageDigest: "ab").line
                == #"{"bytes":20,"event":"card-done","image_sha256":"ab","node":"red01","target":"/dev/sdb","written":10}"#
        )
        #expect(JSONEvent(notice: "cached").line == #"{"event":"notice","text":"cached"}"#)
        #expect(
            JSONEvent(failed: failure).line
                == #"{"code":"cards.removed","event":"failed","exit":3,"hint":"see /dev/sdb\n","message":"it is \"gone\""}"#
        )
    }

    private func outcome(_ failure: Failure?) -> BatchOutcome {
        BatchOutcome(
            node: "red01", device: "/dev/sdb", work: .configure, bytes: 0, changedFiles: [], imageDigest: "ab",
            failure: failure)
    }

    @Test func `cards of a batch`() {
        #expect(
            JSONEvent(started: "red01", device: "/dev/sdb", work: .write).line
                == #"{"device":"/dev/sdb","event":"card-started","node":"red01","work":"write"}"#)
        #expect(
            JSONEvent(outcome(nil)).line
                == #"{"bytes":0,"device":"/dev/sdb","event":"card-done","image_sha256":"ab","node":"red01","#
                + #""target":"/dev/sdb","work":"configure"}"#)
        #expect(
            JSONEvent(outcome(failure)).line
                == #"{"code":"cards.removed","device":"/dev/sdb","event":"card-failed","hint":"see /dev/sdb\n","#
                + #""message":"it is \"gone\"","node":"red01","work":"configure"}"#)
        #expect(
            JSONEvent(outcome(Failure(.cancelled, "stopped"))).line
                == #"{"code":"cancelled","device":"/dev/sdb","event":"card-interrupted","message":"stopped","#
                + #""node":"red01","work":"configure"}"#)
        #expect(
            JSONEvent(done: 1, failed: 0, left: ["red02", "red03"], failure: nil).line
                == #"{"done":1,"event":"batch-done","exit":0,"failed":0,"left":2,"left_nodes":"red02 red03"}"#)
    }

    @Test func `events of a station`() {
        let state = StationState(left: ["red02"], done: 1, total: 3, running: ["red01", "red03"])
        let unnamed = StationReader(name: nil, device: "/dev/sdc")
        let lines: [(StationEvent, String)] = [
            (
                .waiting(state),
                #"{"done":1,"event":"station","left":1,"next":"red02","running":"red01 red03","total":3}"#
            ),
            (
                .finishedCard(node: "red01", reader: reader),
                #"{"device":"/dev/sdb","event":"card-known","node":"red01","reader":"left"}"#
            ),
            (.noNodeLeft(reader: unnamed), #"{"device":"/dev/sdc","event":"card-spare"}"#),
            (
                .refused(failure, reader: reader),
                #"{"code":"cards.removed","device":"/dev/sdb","event":"card-refused","hint":"see /dev/sdb\n","#
                    + #""message":"it is \"gone\"","reader":"left"}"#
            ),
            (
                .question("photos", reader: reader),
                #"{"device":"/dev/sdb","event":"card-question","message":"photos","reader":"left"}"#
            ),
            (.leftAlone(reader: reader), #"{"device":"/dev/sdb","event":"card-left-alone","reader":"left"}"#),
            (.removed(reader: reader), #"{"device":"/dev/sdb","event":"card-removed","reader":"left"}"#),
            (.answer("no node red9"), #"{"event":"notice","text":"no node red9"}"#),
        ]
        for (event, line) in lines { #expect(JSONEvent(event)?.line == line) }
        #expect(JSONEvent(.batch(.finished(outcome(nil)), reader: reader)) == nil, "a batch's event, written as such")
    }

    @Test func `work on running nodes`() {
        #expect(
            JSONEvent(NodeEvent.step(node: "red01", step: "looking")).line
                == #"{"event":"node","node":"red01","step":"looking"}"#)
        #expect(
            JSONEvent(NodeEvent.line(node: "red01", .output("a"))).line
                == #"{"event":"node-output","node":"red01","text":"a"}"#)
        #expect(
            JSONEvent(NodeEvent.line(node: "red01", .error("a"))).line
                == #"{"event":"node-output","node":"red01","stream":"error","text":"a"}"#)
        let good = NodeOutcome("red01", .unchanged, "is right")
        let bad = NodeOutcome("red02", .failed, "exit 7", hint: "look", exit: 7, log: ["a", "b"])
        #expect(
            JSONEvent(NodeEvent.done(good)).line
                == #"{"event":"node-done","message":"is right","node":"red01","result":"unchanged"}"#)
        #expect(
            JSONEvent(NodeEvent.done(bad)).line
                == #"{"event":"node-done","exit":7,"hint":"look","log":"a\nb","message":"exit 7","node":"red02","#
                + #""result":"failed"}"#)
        #expect(
            JSONEvent(summaryOf: [good, bad]).line
                == #"{"done":0,"event":"summary","exit":4,"failed":1,"failed_nodes":"red02","nodes":2,"unchanged":1}"#)
    }
}
