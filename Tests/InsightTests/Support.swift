import FoundationEssentials
import Testing

@testable import Insight

/// The shipped models, found by walking up from this file.
let shippedModels: String = {
    var folder = URL(filePath: #filePath).deletingLastPathComponent()
    while folder.path != "/" {
        let models = folder.appending(path: "models")
        if FileManager.default.fileExists(atPath: models.appending(path: "sentiment-en.bin").path) { return models.path }
        folder.deleteLastPathComponent()
    }
    return "models"
}()

/// Labelled rows are not part of the repository; whoever has them names the folder.
let kit = ProcessInfo.processInfo.environment["HONGYAN_KIT"]

/// An empty folder of its own, gone afterwards.
func withFolder<T>(_ body: (String) throws -> T) throws -> T {
    let folder = FileManager.default.temporaryDirectory.appending(path: "insight-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
}

func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path))
}

func bytes(of path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(filePath: path)))
}

/// A kit of made rows: small, with a set that knows neutral and one that does not, in both languages.
func writeMadeKit(_ folder: String) throws {
    for part in ["A", "B"] { try FileManager.default.createDirectory(atPath: "\(folder)/\(part)", withIntermediateDirectories: true) }
    let things = ["kettle", "lamp", "chair", "parcel", "phone", "ticket", "report", "answer", "bag", "shoe"]
    let thingsZH = ["水壶", "台灯", "椅子", "包裹", "手机", "车票", "报告", "答复", "背包", "鞋子"]
    var english = ""
    var chinese = ""
    for index in things.indices {
        english += "pos\tthe \(things[index]) is wonderful and I love it\nneg\tthe \(things[index]) is broken and I hate it\n"
        english += "neu\tthe \(things[index]) stands on the table\n"
        chinese += "pos\t\(thingsZH[index])非常好，很喜欢\nneg\t\(thingsZH[index])太差了，坏的\n"
    }
    for split in ["train", "dev"] {
        try write(english, to: "\(folder)/A/en_made.\(split).tsv")
        try write(chinese, to: "\(folder)/A/zh_made.\(split).tsv")
        try write("pos\twhat a wonderful day\nneg\twhat a broken promise\n", to: "\(folder)/B/en_other.\(split).tsv")
    }
}
