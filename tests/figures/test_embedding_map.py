import numpy as np
import pytest

import keras_rbi
from keras_rbi.evaluation import knn_purity, silhouette
from keras_rbi.figures import embedding_map
from keras_rbi.figures.embedding_map import (
    embedding_scores,
    embeddings_before_and_after,
    principal_components,
)

pytestmark = pytest.mark.usefixtures("untraced")


@pytest.fixture(scope="module")
def model():
    backbone = keras_rbi.backbones.SmallCNN((12, 12, 3), widths=(4, 8))
    return keras_rbi.RBIModel(backbone, class_names=["a", "b", "c$"], embedding_dim=6)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (36, 12, 12, 3)).astype("uint8")


@pytest.fixture
def clusters():
    rng = np.random.default_rng(0)
    labels = np.append(np.arange(60) % 3, 3)
    return rng.normal(size=(61, 5)) + 2.0 * np.eye(5)[labels] + 1000.0, labels


def test_scores_are_those_of_scikit_learn(clusters):
    metrics = pytest.importorskip("sklearn.metrics")
    neighbors = pytest.importorskip("sklearn.neighbors")
    assert silhouette(*clusters) == pytest.approx(metrics.silhouette_score(*clusters))
    rows, labels = clusters
    search = neighbors.NearestNeighbors(n_neighbors=10).fit(rows)
    nearest = search.kneighbors(return_distance=False)
    assert knn_purity(rows, labels) == pytest.approx(np.mean(labels[nearest] == labels[:, None]))


def test_scores_by_hand():
    """Rows 0, 2 | 3: a is 2, 2 and none; b is 3, 1 and the class is a single row."""
    rows, labels = np.array([[0.0], [2.0], [3.0]]), np.array([0, 0, 1])
    assert silhouette(rows, labels) == pytest.approx(((3 - 2) / 3 + (1 - 2) / 2 + 0) / 3)
    assert knn_purity(rows, labels, neighbours=1) == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="two classes"):
        silhouette(rows, np.zeros(3, int))


def test_principal_components_are_the_eigenvectors_of_the_covariance(clusters):
    rows = clusters[0]
    points, shares = principal_components(rows)
    values, vectors = np.linalg.eigh(np.cov(rows.T))
    expected = (rows - rows.mean(0)) @ vectors[:, [-1, -2]]
    np.testing.assert_allclose(np.abs(points), np.abs(expected), atol=1e-8)
    np.testing.assert_allclose(shares, values[[-1, -2]] / values.sum())


def test_features_are_those_of_the_model(model, images):
    found = embeddings_before_and_after(model, images)
    expected = model.feature_model().predict(images, verbose=0)
    np.testing.assert_allclose(found["before"], expected, atol=1e-5)
    weights = model.get_layer("classifier").get_weights()
    logits = found["after"] @ weights[0] + weights[1]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(probabilities, model.predict(images, verbose=0), atol=1e-5)


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_the_map_says_what_it_shows(model, images, method, tmp_path):
    if method == "tsne":
        pytest.importorskip("sklearn")
    labels = np.arange(36) % 3
    figure = embedding_map(model, images, labels, method=method, relations="batch")
    scores = embedding_scores(embeddings_before_and_after(model, images, "batch"), labels)
    for axes, score in zip(figure.axes, scores, strict=True):
        assert f"silhouette {score.silhouette:.3f}" in axes.get_title()
        assert [len(points.get_offsets()) for points in axes.collections] == [12, 12, 12]
    assert 'relations "batch"' in figure.axes[1].get_title()
    figure.savefig(tmp_path / "map.svg")


def test_mistakes_are_named(model, images):
    with pytest.raises(ValueError, match="'umap'"):
        embedding_map(model, images, np.arange(36) % 3, method="umap")
    alone = keras_rbi.models.backbone_classifier(model.backbone, 3)
    with pytest.raises(ValueError, match="which has none"):
        embeddings_before_and_after(alone, images)
