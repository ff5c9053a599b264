"""Layouts of folders: each is read from a small example, in the form in which its tool writes it."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fcn.doctor import coco, examined

SCENES = Path(__file__).resolve().parents[2] / "shared" / "camvid"
SIDE = 64


def truth(number: int = 0, classes: int = 3) -> np.ndarray:
    """Return labels (64, 80): stripes of all classes, moved on by a few pixels for each number."""
    return np.repeat((np.arange(80)[None] + 5 * number) // 20 % classes, SIDE, axis=0).astype(np.uint8)


def photograph(path: Path, number: int = 0, size: tuple[int, int] = (80, SIDE)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(number)
    Image.fromarray(random.integers(256, size=(size[1], size[0], 3), dtype=np.uint8)).save(path)
    return path


def gray(path: Path, labels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(labels.astype(np.uint8)).save(path)
    return path


def with_palette(path: Path, labels: np.ndarray) -> Path:
    """Write a mask as labelme.utils.lblsave does: values are labels, the palette is VOC's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(labels.astype(np.uint8))
    bits = [[sum((index >> (3 * bit + channel) & 1) << (7 - bit) for bit in range(8)) for channel in range(3)]
            for index in range(256)]  # fmt: skip
    picture.putpalette(np.array(bits, dtype=np.uint8).tobytes())
    picture.save(path)
    return path


def in_colors(path: Path, labels: np.ndarray, colors: list[tuple[int, int, int]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(colors, dtype=np.uint8)[labels]).save(path)
    return path


def read(folder: Path, **how):
    """Return the report on a folder without errors, and of each split its label maps by the photographs' names."""
    report = examined(folder, **how)
    assert report.ok, report.text()
    maps = {}
    for split, pairs in report.splits.items():
        data = report.data(split)
        assert len(data) == len(pairs)
        maps[split] = {photograph.name: data[index][1].numpy() for index, (photograph, _) in enumerate(pairs)}
    return report, maps


NAMED = [("images", "masks"), ("imgs", "masks"), ("JPEGImages", "annotations"), ("photos", "labels")]


@pytest.mark.parametrize(("photographs", "masks"), NAMED)
@pytest.mark.parametrize("split", ["", "below", "above"])
def test_folders_of_photographs_and_masks_are_read_with_and_without_splits(tmp_path, photographs, masks, split):
    splits = ["train", "val", "test"] if split else [""]
    for number, name in enumerate(splits):
        parts = [tmp_path / ("" if split != "above" else name) / kind / ("" if split != "below" else name)
                 for kind in (photographs, masks)]  # fmt: skip
        photograph(parts[0] / f"{number}.jpg", number)
        gray(parts[1] / f"{number}.png", truth(number))
    report, maps = read(tmp_path)
    assert list(report.splits) == (splits if split else ["all"])
    for number, name in enumerate(splits):
        assert (maps[name or "all"][f"{number}.jpg"] == truth(number)).all()
    assert report.classes == ("class 0", "class 1", "class 2")
    assert photographs in report.layout
    assert masks in report.layout


@pytest.mark.parametrize("ending", ["_mask", "_P", "_gt", "_label", "_L", "", ".jpg"])
def test_a_mask_belongs_to_the_photograph_of_its_stem_whatever_is_behind_it(tmp_path, ending):
    for number in range(2):
        photograph(tmp_path / "images" / f"street {number}.jpg", number)
        gray(tmp_path / "masks" / f"street {number}{ending}.png", truth(number))
    _, maps = read(tmp_path)
    assert all((maps["all"][f"street {number}.jpg"] == truth(number)).all() for number in range(2))


def test_masks_beside_their_photographs_are_told_by_their_ending(tmp_path):
    photograph(tmp_path / "a.jpg"), gray(tmp_path / "a_mask.png", truth())
    report, maps = read(tmp_path)
    assert list(maps["all"]) == ["a.jpg"]
    assert "the folder itself" in report.layout


def shape(label: str, kind: str, points: list) -> dict:
    return {"label": label, "points": points, "group_id": None, "shape_type": kind, "flags": {}}


SHAPES = [
    shape("road", "polygon", [[0, 30.5], [70, 30], [70, 60], [0, 60]]),
    shape("car", "rectangle", [[30, 50], [12, 35]]),
    shape("wheel", "circle", [[20, 50], [25, 50]]), shape("wire", "linestrip", [[2, 5], [40, 15], [75, 5]]),
    shape("__ignore__", "rectangle", [[71, 0], [79, 10]]),
]  # fmt: skip


def labelme_truth(order: list[str]) -> np.ndarray:
    """Return what labelme's shapes_to_label makes of SHAPES: a picture for each, later ones on top."""
    labels = np.zeros((SIDE, 80), dtype=np.uint8)
    for each in SHAPES:
        picture = Image.new("1", (80, SIDE))
        draw = ImageDraw.Draw(picture)
        points = [tuple(point) for point in each["points"]]
        match each["shape_type"]:
            case "polygon":
                draw.polygon(points, outline=1, fill=1)
            case "rectangle":
                draw.rectangle([12, 35, 30, 50] if each["label"] == "car" else [71, 0, 79, 10], outline=1, fill=1)
            case "circle":
                draw.ellipse([15, 45, 25, 55], outline=1, fill=1)
            case "linestrip":
                draw.line(points, fill=1, width=10)
        labels[np.array(picture)] = 255 if each["label"] == "__ignore__" else order.index(each["label"])
    return labels


def labelme(path: Path, image: str, *, data: bytes | None = None, shapes: list = SHAPES) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {
        "version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": image,
        "imageData": base64.b64encode(data).decode() if data else None, "imageHeight": SIDE, "imageWidth": 80,
    }  # fmt: skip
    path.write_text(json.dumps(said, ensure_ascii=False, indent=2), encoding="utf-8")
    return path


@pytest.mark.parametrize("embedded", ["beside", "beside and within", "within"])
def test_labelme_files_are_drawn_as_labelme_draws_them(tmp_path, embedded):
    taken = photograph(tmp_path / "고양이 1.jpg").read_bytes()
    labelme(tmp_path / "고양이 1.json", "고양이 1.jpg", data=taken if "within" in embedded else None)
    if embedded == "within":
        (tmp_path / "고양이 1.jpg").unlink()
    report, maps = read(tmp_path)
    order = ["_background_", "car", "road", "wheel", "wire"]
    assert report.classes == tuple(order)
    (found,) = maps["all"].values()
    assert (found == labelme_truth(order)).all()
    assert "labelme" in report.layout
    image, _ = report.data("all")[0]
    assert (image.permute(1, 2, 0).numpy() == np.array(Image.open(io.BytesIO(taken)))).all()


def test_labelme_files_of_their_own_folder_and_a_windows_path_find_their_photographs_and_classes_their_order(
    tmp_path,
):
    photograph(tmp_path / "train" / "images" / "a.jpg"), photograph(tmp_path / "val" / "images" / "a.jpg")
    for split in ("train", "val"):
        labelme(tmp_path / split / "json" / "a.json", "..\\images\\a.jpg")
    order = ["_background_", "wire", "wheel", "road", "car"]
    report, maps = read(tmp_path, classes=order[1:])
    assert report.classes == tuple(order)
    assert list(maps) == ["train", "val"]
    assert (maps["val"]["a.jpg"] == labelme_truth(order)).all()


def test_labelmes_labels_txt_orders_the_classes_and_its_ignore_is_none_of_them(tmp_path):
    photograph(tmp_path / "a.jpg"), labelme(tmp_path / "a.json", "a.jpg")
    order = ["_background_", "wire", "wheel", "road", "car"]
    (tmp_path / "labels.txt").write_text("\n".join(["__ignore__", *order]))
    report, maps = read(tmp_path)
    assert report.classes == tuple(order)
    assert (maps["all"]["a.jpg"] == labelme_truth(order)).all()


def test_a_brush_mask_of_labelme_is_pasted_where_its_points_say(tmp_path):
    photograph(tmp_path / "a.jpg")
    stream = io.BytesIO()
    Image.fromarray(np.eye(6, dtype=bool)).save(stream, "PNG")
    brush = shape("hair", "mask", [[10, 20], [15, 25]]) | {"mask": base64.b64encode(stream.getvalue()).decode()}
    labelme(tmp_path / "a.json", "a.jpg", shapes=[brush])
    _, maps = read(tmp_path)
    expected = np.zeros((SIDE, 80), dtype=np.uint8)
    expected[range(20, 26), range(10, 16)] = 1
    assert (maps["all"]["a.jpg"] == expected).all()


@pytest.mark.parametrize("masks", ["SegmentationClass", "SegmentationClassPNG"])
def test_the_output_of_labelme2voc_is_read(tmp_path, masks):
    labels = truth()
    labels[:3] = 255
    photograph(tmp_path / "JPEGImages" / "a.jpg"), with_palette(tmp_path / masks / "a.png", labels)
    photograph(tmp_path / "SegmentationClassVisualization" / "a.jpg", 9)
    if masks.endswith("PNG"):  # older ones: numbers for NumPy
        (tmp_path / "SegmentationClass").mkdir(), np.save(tmp_path / "SegmentationClass" / "a.npy", labels)
    (tmp_path / "class_names.txt").write_text("_background_\ncat\ndog")
    report, maps = read(tmp_path)
    assert report.layout.startswith("labelme2voc")
    assert report.classes == ("_background_", "cat", "dog")
    assert (maps["all"]["a.jpg"] == labels).all()


def test_labels_txt_beside_masks_begins_with_ignore_at_minus_1(tmp_path):
    photograph(tmp_path / "images" / "a.jpg"), with_palette(tmp_path / "masks" / "a.png", truth())
    (tmp_path / "labels.txt").write_text("__ignore__\n_background_\ncat\ndog\n")
    report, maps = read(tmp_path)
    assert report.classes == ("_background_", "cat", "dog")
    assert (maps["all"]["a.jpg"] == truth()).all()


COLORS = {"background": (0, 0, 0), "cat": (250, 50, 83), "dog": (61, 61, 245)}


@pytest.mark.parametrize("background", ["first", "last"])
@pytest.mark.parametrize("lists", [["default"], ["train", "val"]])
def test_cvats_segmentation_mask_is_read_by_its_labelmap(tmp_path, background, lists):
    names = list(COLORS) if background == "first" else [*list(COLORS)[1:], "background"]
    lines = [f"{name}:{','.join(map(str, COLORS[name]))}::" for name in names]
    (tmp_path / "labelmap.txt").write_text("# label:color_rgb:parts:actions\n" + "\n".join(lines) + "\n")
    (tmp_path / "ImageSets" / "Segmentation").mkdir(parents=True)
    for number, name in enumerate(lists):
        photograph(tmp_path / "JPEGImages" / f"{number}.jpg", number)
        in_colors(tmp_path / "SegmentationClass" / f"{number}.png", truth(number), [COLORS[each] for each in names])
        in_colors(tmp_path / "SegmentationObject" / f"{number}.png", truth(), [(1, 2, 3)] * 3)
        (tmp_path / "ImageSets" / "Segmentation" / f"{name}.txt").write_text(f"{number}\n")
    report, maps = read(tmp_path)
    assert report.layout.startswith("CVAT")
    assert report.classes == tuple(names)
    assert list(maps) == (["all"] if lists == ["default"] else lists)
    for number, name in enumerate(maps):
        assert (maps[name][f"{number}.jpg"] == truth(number)).all()


def test_cvats_masks_of_one_channel_are_numbers_and_an_undeclared_255_is_void(tmp_path):
    lines = [f"{name}:{','.join(map(str, color))}::" for name, color in COLORS.items()]
    (tmp_path / "labelmap.txt").write_text("\n".join(lines))
    labels = truth()
    labels[0] = 255
    photograph(tmp_path / "JPEGImages" / "a.jpg"), gray(tmp_path / "SegmentationClass" / "a.png", labels)
    report, maps = read(tmp_path)
    assert report.classes == tuple(COLORS)
    assert (maps["all"]["a.jpg"] == labels).all()


@pytest.mark.parametrize(
    "names",
    ["names:\n  0: sky\n  1: road\n  2: car\n", "names: [sky, road, car]\n", "names:\n- sky\n- road\n- car\n"],
)
@pytest.mark.parametrize("masks", ["masks", "semantic"])
def test_ultralytics_semantic_layout_is_read_by_its_yaml(tmp_path, names, masks):
    said = f"path: ../datasets/streets # root\ntrain: images/train\nval: images/val\nmasks_dir: {masks}\n{names}"
    (tmp_path / "dataset.yaml").write_text(said)
    labels = truth()
    labels[:2] = 255
    for split in ("train", "val"):
        photograph(tmp_path / "images" / split / "a.jpg"), gray(tmp_path / masks / split / "a.png", labels)
    report, maps = read(tmp_path)
    assert report.layout.startswith("Ultralytics")
    assert report.classes == ("sky", "road", "car")
    assert list(maps) == ["train", "val"]
    assert (maps["val"]["a.jpg"] == labels).all()


def test_fastais_camvid_layout_is_read_its_void_code_as_void_and_valid_txt_as_val(tmp_path):
    (tmp_path / "codes.txt").write_text("Animal\nArchway\nVoid\n")
    for number in range(3):
        photograph(tmp_path / "images" / f"0001TP_{number}.png", number)
        gray(tmp_path / "labels" / f"0001TP_{number}_P.png", truth(number))
    (tmp_path / "valid.txt").write_text("0001TP_2.png\n")
    report, maps = read(tmp_path)
    assert report.layout.startswith("fastai")
    assert report.classes == ("Animal", "Archway")
    assert list(maps["train"]) == ["0001TP_0.png", "0001TP_1.png"]
    assert (maps["val"]["0001TP_2.png"] == np.where(truth(2) == 2, 255, truth(2))).all()


@pytest.mark.parametrize("between", [",", ", "])
def test_class_dict_csv_says_which_color_is_which_class(tmp_path, between):
    lines = [between.join(map(str, (name, *color))) for name, color in (COLORS | {"Void": (255, 255, 255)}).items()]
    (tmp_path / "class_dict.csv").write_text(between.join(["name", "r", "g", "b"]) + "\n" + "\n".join(lines))
    labels = truth(classes=4)
    for split in ("train", "val", "test"):
        photograph(tmp_path / split / "a.png")
        in_colors(tmp_path / f"{split}_labels" / "a_L.png", labels, [*COLORS.values(), (255, 255, 255)])
    report, maps = read(tmp_path)
    assert report.classes == tuple(COLORS)
    assert list(maps) == ["train", "val", "test"]
    assert (maps["test"]["a.png"] == np.where(labels == 3, 255, labels)).all()


def test_mmsegmentations_layout_is_read(tmp_path):
    for split in ("train", "val"):
        photograph(tmp_path / "img_dir" / split / "a.jpg"), gray(tmp_path / "ann_dir" / split / "a.png", truth())
    report, maps = read(tmp_path)
    assert report.layout.startswith("mmsegmentation")
    assert list(maps) == ["train", "val"]


def test_segnets_camvid_is_read_and_its_lists_absolute_paths_do_no_harm(tmp_path):
    for split in ("train", "val"):
        photograph(tmp_path / split / "a.png"), gray(tmp_path / f"{split}annot" / "a.png", truth())
        (tmp_path / f"{split}.txt").write_text(f"/SegNet/CamVid/{split}/a.png /SegNet/CamVid/{split}annot/a.png\n")
    report, maps = read(tmp_path)
    assert report.layout.startswith("SegNet")
    assert list(maps) == ["train", "val"]


def test_id2label_json_names_the_labels_and_what_it_leaves_out_keeps_its_number(tmp_path):
    (tmp_path / "id2label.json").write_text('{"0": "wall", "2": "sky"}')
    photograph(tmp_path / "images" / "a.jpg"), gray(tmp_path / "masks" / "a.png", truth())
    assert read(tmp_path)[0].classes == ("wall", "class 1", "sky")


def outlined(name: str) -> dict:
    square = [10.0, 10.0, 30.0, 10.0, 30.0, 40.0, 10.0, 40.0]
    runs = np.zeros((SIDE, 80), dtype=bool)
    runs[35:60, 5:70] = True
    flat = np.flatnonzero(np.diff(np.r_[False, runs.T.ravel(), True]))  # of columns, as COCO counts
    things = [
        {"id": 1, "image_id": 7, "category_id": 3, "area": 600, "iscrowd": 0, "segmentation": [square]},
        {"id": 2, "image_id": 7, "category_id": 8, "area": 1625, "iscrowd": 1,
         "segmentation": {"size": [SIDE, 80], "counts": np.diff(np.r_[0, flat, SIDE * 80]).tolist()}},
    ]  # fmt: skip
    return {
        "images": [{"id": 7, "file_name": name, "width": 80, "height": SIDE}], "annotations": things,
        "categories": [{"id": 3, "name": "cat"}, {"id": 8, "name": "rug"}],
    }  # fmt: skip


@pytest.mark.skipif(not coco.installed(), reason="pycocotools is not installed")
@pytest.mark.parametrize("form", ["annotations", "roboflow"])
def test_cocos_outlines_are_drawn_both_polygons_and_runs(tmp_path, form):
    for split in ("train", "val"):
        if form == "annotations":
            photograph(tmp_path / split / "a.jpg")
            path = tmp_path / "annotations" / f"instances_{split}.json"
        else:
            photograph(tmp_path / split / "a.jpg")
            path = tmp_path / split / "_annotations.coco.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(outlined("a.jpg")))
    report, maps = read(tmp_path)
    assert report.classes == ("background", "cat", "rug")
    assert list(maps) == ["train", "val"]
    expected = np.zeros((SIDE, 80), dtype=np.uint8)
    expected[35:60, 5:70], expected[10:40, 10:30] = 2, 1  # the small one stays on top
    assert (maps["val"]["a.jpg"] == expected).all()


@pytest.mark.skipif(not coco.installed(), reason="pycocotools is not installed")
def test_cocos_compressed_runs_are_read_as_pycocotools_reads_them():
    from pycocotools import mask

    random = np.random.default_rng(0)
    for _ in range(20):
        labels = np.asfortranarray(random.random((40, 50)) < random.random(), dtype=np.uint8)
        told = mask.encode(labels)
        about = coco.Outlined("a", (50, 40), ((1, told | {"counts": told["counts"].decode()}),))
        assert (coco.drawn(about, {1: 1}) == labels).all()


def test_without_pycocotools_one_line_says_what_is_missing(tmp_path, monkeypatch):
    photograph(tmp_path / "images" / "a.jpg")
    (
        (tmp_path / "annotations").mkdir(),
        (tmp_path / "annotations" / "a.json").write_text(json.dumps(outlined("a.jpg"))),
    )
    monkeypatch.setattr(coco, "find_spec", lambda name: None)
    report = examined(tmp_path)
    fault = next(fault for fault in report.faults if fault.kind == "pycocotools")
    assert fault.level == "error"
    assert fault.cure == "pip install pycocotools"


@pytest.mark.skipif(not SCENES.is_dir(), reason="CamVid is not here (CamVid(root, download=True))")
def test_camvid_laid_out_as_a_folder_is_read_and_11_is_void(tmp_path):
    for kind, source in (("images", "val"), ("masks", "valannot")):
        (tmp_path / kind).mkdir()
        for path in sorted((SCENES / source).iterdir())[:12]:
            (tmp_path / kind / path.name).symlink_to(path)
    report, maps = read(tmp_path, void=11)
    assert len(report.classes) == 11
    for name, found in maps["all"].items():
        stored = np.array(Image.open(SCENES / "valannot" / name))
        assert (found == np.where(stored == 11, 255, stored)).all()
