"""Birds: CUB-200-2011 and NABirds."""

from released.files import draw, lines


def cub_200_2011(folder, per_class=6):
    """Three birds; ids run against the order of the files, every third image is for the test."""
    root = folder / "CUB_200_2011"
    classes = ["001.Black_footed_Albatross", "002.Laysan_Albatross", "003.Sooty_Albatross"]
    expected = {}
    images, labels, splits, boxes, parts = [], [], [], [], []
    number = 0
    for class_id, name in enumerate(classes, 1):
        # The case differs between folder and file.
        stem = name[4:].title()
        for place in reversed(range(per_class)):
            number += 1
            file = f"{name}/{stem}_{place:04d}_{number}.jpg"
            draw(root / "images" / file, number)
            training = int(number % 3 != 0)
            images.append(f"{number} {file}")
            labels.append(f"{number} {class_id}")
            splits.append(f"{number} {training}")
            boxes.append(f"{number} 2.0 3.0 10.0 {number % 10 + 1}.0")
            parts.append(f"{number} 1 4.0 5.0 1")
            parts.append(f"{number} 2 0.0 0.0 0")
            expected[f"images/{file}"] = (class_id - 1, "train" if training else "test")
    lines(root / "images.txt", images)
    lines(root / "classes.txt", [f"{i} {name}" for i, name in enumerate(classes, 1)])
    lines(root / "image_class_labels.txt", labels)
    lines(root / "train_test_split.txt", splits)
    lines(root / "bounding_boxes.txt", boxes)
    lines(root / "parts" / "parts.txt", ["1 back", "2 left leg"])
    lines(root / "parts" / "part_locs.txt", parts)
    lines(root / "attributes" / "image_attribute_labels.txt", ["1 1 0 3 27.7 0 0"])
    lines(folder / "attributes.txt", ["1 has_bill_shape::curved"])
    return root, expected


def nabirds(folder, per_leaf=5):
    """Five leaves: 295 and 1000, whose order as strings is another, and one called as its parent.

    Node 400 is an inner node with an id among those of the leaves.
    """
    root = folder / "nabirds"
    parents = {1: 0, 2: 0, 400: 1, 295: 400, 296: 400, 1000: 1, 700: 2, 999: 700, 701: 2}
    names = {
        0: "Birds",
        1: "Ducks, Geese, and Swans",
        2: "Owls",
        400: "Mallard",
        295: "Mallard (Breeding male)",
        296: "Mallard (Female/Eclipse male)",
        1000: "Snow Goose",
        700: "Barn Owl",
        999: "Barn Owl",
        701: "Barred Owl",
    }
    leaves = [1000, 295, 999, 296, 701]
    expected = {}
    images, labels, splits, boxes, parts = [], [], [], [], []
    number = 0
    for node in leaves:
        for place in range(per_leaf):
            number += 1
            key = f"{number:08x}-58d3-4bd8-8d3e-{number:012x}"
            file = f"{node:04d}/{number:032x}.jpg"
            draw(root / "images" / file, number)
            training = int(place < 3)
            images.append(f"{key} {file}")
            labels.append(f"{key} {node}")
            splits.append(f"{key} {training}")
            boxes.append(f"{key} 1 2 10 {number}")
            parts.append(f"{key} 0 3 4 1")
            expected[f"images/{file}"] = (
                sorted(leaves).index(node),
                "train" if training else "test",
            )
    lines(root / "images.txt", images)
    lines(root / "classes.txt", [f"{node} {name}" for node, name in names.items()])
    lines(root / "hierarchy.txt", [f"{child} {above}" for child, above in parents.items()])
    lines(root / "image_class_labels.txt", labels)
    lines(root / "train_test_split.txt", splits)
    lines(root / "bounding_boxes.txt", boxes)
    lines(root / "parts" / "parts.txt", ["0 bill", "1 crown"])
    lines(root / "parts" / "part_locs.txt", parts)
    return root, expected
